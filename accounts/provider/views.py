"""The OAuth views: the redirect to DigitalOcean, and the callback."""

import logging
import time
from typing import Any
from uuid import UUID, uuid4

from allauth.socialaccount.internal import statekit
from allauth.socialaccount.models import SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.base import ProviderException
from allauth.socialaccount.providers.oauth2.views import OAuth2Adapter, OAuth2CallbackView, OAuth2LoginView
from allauth.utils import get_request_param
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods

from accounts import connections, reauthentication, revocations
from accounts.error_pages import ErrorPage, page
from accounts.models import Revocation
from accounts.spill import Spill
from digitalocean_client import errors, oauth

log = logging.getLogger(__name__)


class DigitalOceanOAuth2Adapter(OAuth2Adapter):
    provider_id = "digitalocean"

    @property
    def authorize_url(self) -> str:
        return f"{settings.DIGITAL_OCEAN_OAUTH_URL}/authorize"

    @property
    def access_token_url(self) -> str:
        return f"{settings.DIGITAL_OCEAN_OAUTH_URL}/token"

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        """At BASE_URL, as registered with DigitalOcean. allauth would build it from the Host header."""
        return settings.BASE_URL + reverse("digitalocean_callback")

    @sensitive_variables()
    def get_access_token_data(
        self, request: HttpRequest, app: SocialApp, client: Any, pkce_code_verifier: str | None = None
    ) -> oauth.TokenPair:
        """Exchange the code with our own client: allauth's follows redirects and repeats the client secret there."""
        try:
            pair = oauth.exchange(
                request.GET.get("code", "")[:2000],
                self.get_callback_url(request, app),
                code_verifier=pkce_code_verifier or "",
            )
        except errors.DigitalOceanError as error:
            # Wrong client credentials need the administrator: nobody can connect a team until they are corrected.
            level = logging.CRITICAL if isinstance(error, errors.Misconfigured) else logging.WARNING
            log.log(level, "A code could not be exchanged: %s", error)
            raise ProviderException(str(error)) from error
        # The pair exists nowhere else until `complete_login` has stored it.
        request.oauth_spill = revocations.write_file("grant", uuid4(), pair)  # type: ignore[attr-defined]  # read below
        return pair

    def parse_token(self, data: oauth.TokenPair) -> SocialToken:
        """An empty one: `complete_login` puts the grant's id into it."""
        return SocialToken(expires_at=data.expires_at)

    @sensitive_variables()
    def complete_login(
        self, request: HttpRequest, app: SocialApp, token: SocialToken, *, response: oauth.TokenPair, **kwargs: Any
    ) -> SocialLogin:
        """Store the pair as a pending grant, ask for its owner, and give allauth the grant's id instead of the pair."""
        scope = response.scope
        if scope is None:
            # RFC 6749 §5.1: without a scope in the answer, the requested one was granted.
            scope = " ".join(getattr(request, "oauth_scope", None) or self.get_provider().get_scope())
        spill: Spill = request.oauth_spill  # type: ignore[attr-defined]  # set above
        try:
            grant = revocations.enqueue(
                response.access_token,
                response.refresh_token,
                expires_at=response.expires_at,
                pk=UUID(spill.key),
                status=Revocation.Status.PENDING,
                reason="abandoned",
                scope=oauth.account_scope(scope),
                request_id=response.request_id,
            )
        except Exception:
            spill.retry()
            raise
        spill.done()
        try:
            if response.flaw:
                raise errors.UnexpectedAnswer(response.flaw, request_id=response.request_id)
            owner = oauth.token_owner(response.access_token, response.info)
        except errors.DigitalOceanError as error:
            connections.discard(grant.pk, error.code)
            raise ProviderException(str(error)) from error
        request.oauth_email_verified = owner.email_verified  # type: ignore[attr-defined]  # for a sign-up
        grant.user_uuid, grant.team_uuid = owner.user_uuid, owner.team_uuid
        grant.team_name, grant.email = owner.team_name[:255], owner.email[:320]
        grant.account_status = owner.account_status
        grant.save(update_fields=["user_uuid", "team_uuid", "team_name", "email", "account_status"])
        token.token = str(grant.pk)
        return self.get_provider().sociallogin_from_response(request, owner)


class _LoginView(OAuth2LoginView):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        process = _process(request)
        if process not in ("login", "connect"):
            # allauth's third process, "redirect", would get a grant that nobody uses.
            return page(
                request, ErrorPage("This link does not work", "Conveyor does not support what it asks for.", status=400)
            )
        if process == "connect" and request.method == "POST":
            # Before the redirect: in the callback, allauth would have to store the login while it asks.
            reauthentication.require(request)
        answer: HttpResponse = super().dispatch(request, *args, **kwargs)
        return answer


class _CallbackView(OAuth2CallbackView):
    def _get_state(self, request: HttpRequest, provider: Any) -> Any:
        stored = statekit.get_states(request).get(request.GET.get("state", ""))
        expired = stored is not None and time.time() - stored[1] > statekit.STATE_TTL
        request.oauth_state_expired = expired  # type: ignore[attr-defined]  # for the text of the error page
        state, response = super()._get_state(request, provider)
        data = (state or {}).get("data") or {}
        request.oauth_scope = data.get("scope")  # type: ignore[attr-defined]  # the scope that was requested
        return state, response


_login = _LoginView.adapter_view(DigitalOceanOAuth2Adapter)
_connect = login_required(_login)


def _process(request: HttpRequest) -> str:
    """The parameter "process" as allauth reads it: from the form, else from the URL."""
    process: str = get_request_param(request, "process", "login")
    return process


# allauth's view treats every method but GET as POST, and Django checks no CSRF token for HEAD and OPTIONS.
@require_http_methods(["GET", "POST"])
def oauth2_login(request: HttpRequest) -> HttpResponseBase:
    view = _connect if _process(request) == "connect" else _login
    response: HttpResponseBase = view(request)
    return response


oauth2_callback = require_GET(never_cache(_CallbackView.adapter_view(DigitalOceanOAuth2Adapter)))
