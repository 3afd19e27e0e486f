"""Django's admin site behind Conveyor's log-in, with its rate limits, and behind a second factor."""

import time
from typing import Any

from allauth.account import app_settings
from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import get_next_redirect_url
from allauth.mfa.internal.flows.add import validate_can_add_authenticator
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from allauth.mfa.utils import is_mfa_enabled
from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied, ValidationError
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


class ConveyorAdminSite(admin.AdminSite):
    """Open to staff who have used their second factor in this session, ACCOUNT_REAUTHENTICATION_TIMEOUT ago at most."""

    site_header = "Conveyor admin"
    site_title = "Conveyor admin"
    index_title = "Support"
    enable_nav_sidebar = False

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """With the support desk, behind the same checks as every page of the admin."""
        from accounts.support.urls import urls  # its views need the models, which are not there yet at import

        return [*urls(self.admin_view), *super().get_urls()]

    def has_permission(self, request: HttpRequest) -> bool:
        is_logout = request.path == reverse("admin:logout", current_app=self.name)
        return super().has_permission(request) and (is_logout or _used_second_factor(request))

    @method_decorator(never_cache)
    @method_decorator(require_safe)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Redirect to the step that is missing: log-in, confirmed email address, second factor.

        Django's own log-in form is never shown: it knows neither rate limits nor second factors.
        Raises PermissionDenied for a user who is not staff.
        """
        user = request.user
        next_url = get_next_redirect_url(request) or reverse("admin:index", current_app=self.name)
        if not user.is_authenticated:
            return redirect_to_login(next_url)
        if not super().has_permission(request):
            raise PermissionDenied
        if _used_second_factor(request):
            return HttpResponseRedirect(next_url)
        if is_mfa_enabled(user, [Authenticator.Type.WEBAUTHN]):
            return redirect_to_login(next_url, reverse("mfa_reauthenticate_webauthn"))
        if is_mfa_enabled(user):
            return redirect_to_login(next_url, reverse("mfa_reauthenticate"))
        try:
            validate_can_add_authenticator(user)
        except ValidationError:
            messages.warning(request, "The admin needs two-factor authentication. Confirm your email address first.")
            return redirect("account_email")
        messages.info(request, "The admin needs two-factor authentication. Turn it on to continue.")
        return redirect("mfa_index")

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Redirect to Conveyor's own page, which asks for the old password and sends an email about the change."""
        return redirect("account_change_password")

    password_change_done = password_change


def _used_second_factor(request: HttpRequest) -> bool:
    records = get_authentication_records(request, request.user)
    used_at = max((record["at"] for record in records if record["method"] == "mfa"), default=0)
    return bool(0 <= time.time() - used_at < app_settings.REAUTHENTICATION_TIMEOUT)


@receiver(authenticator_added, dispatch_uid="conveyor.second_factor_turned_on")
def _second_factor_turned_on(request: HttpRequest, user: Any, authenticator: Authenticator, **kwargs: Any) -> None:
    """Turning it on takes a code or the passkey, so it counts as a use: the same code would not be accepted again."""
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        return
    record_authentication(request, user, "mfa", id=authenticator.pk, type=authenticator.type)
    if user.is_staff:
        text = 'Save your recovery codes. Then <a href="{}">open the admin</a>.'
        messages.info(request, format_html(text, reverse("admin:index")))
