"""The allauth provider for DigitalOcean teams.

allauth's own provider uses the user's uuid as uid, so a second team would overwrite the first. This one uses user and
team. It is the only one installed; allauth finds it by the names of this package's modules.
"""

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.providers.base import ProviderAccount
from allauth.socialaccount.providers.oauth2.provider import OAuth2Provider
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.base_url import is_other_host, redirect_to_base_url
from accounts.provider.views import DigitalOceanOAuth2Adapter
from digitalocean_client.oauth import TokenOwner


class DigitalOceanAccount(ProviderAccount):
    def to_str(self) -> str:
        data = self.account.extra_data
        return str(data.get("team_name") or data.get("email") or "DigitalOcean")


class DigitalOceanProvider(OAuth2Provider):
    id = "digitalocean"
    name = "DigitalOcean"
    account_class = DigitalOceanAccount
    oauth2_adapter_class = DigitalOceanOAuth2Adapter

    def get_scope_from_request(self, request: HttpRequest) -> list[str]:
        """The configured scope. allauth would let `?scope=` in a link ask for more."""
        scope: list[str] = self.get_scope()
        return scope

    def get_auth_params_from_request(self, request: HttpRequest, action: Any) -> dict[str, str]:
        """The configured parameters, without `?auth_params=` from a link."""
        params: dict[str, str] = self.get_auth_params()
        return params

    def redirect(self, request: HttpRequest, process: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """To DigitalOcean; from another host than BASE_URL's, to the page at BASE_URL where this can be done."""
        if is_other_host(request):
            page = "socialaccount_connections" if process == "connect" else "account_login"
            raise ImmediateHttpResponse(redirect_to_base_url(reverse(page)))
        response: HttpResponse = super().redirect(request, process, *args, **kwargs)
        return response

    def extract_uid(self, data: TokenOwner) -> str:
        return data.uid

    def extract_extra_data(self, data: TokenOwner) -> dict[str, str]:
        """For display only: allauth overwrites it in every callback, even a refused one."""
        return {"team_name": data.team_name, "email": data.email}

    def extract_common_fields(self, data: TokenOwner) -> dict[str, str]:
        return {"email": data.email}


provider_classes = [DigitalOceanProvider]
