"""Account pages: connections, settings, and deletion of the account."""

from typing import Any
from uuid import UUID

from allauth.account.utils import get_next_redirect_url
from allauth.account.views import ConfirmEmailView
from allauth.mfa.utils import is_mfa_enabled
from allauth.socialaccount.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import connection_cards, email_ownership, token_store
from accounts import connections as connection_service
from accounts.decorators import SignedInRequest, shown_to_support
from accounts.forms import DeleteAccountForm
from accounts.models import Connection, Revocation, User
from accounts.reauthentication import recent_login_required


def connection_of(user: User, pk: UUID) -> Connection:
    """A connection of this user. Raises Http404 for any other."""
    return get_object_or_404(Connection.objects.for_user(user), pk=pk)


@shown_to_support
@login_required
@require_safe
def connections(request: SignedInRequest) -> HttpResponse:
    """The Connections page."""
    return render(request, "socialaccount/connections.html", {"cards": connection_cards.cards_for(request.user)})


@login_required
@require_POST
@recent_login_required
def reconnect(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Redirect to DigitalOcean to authorize this team again, with the access that it had."""
    connection = connection_of(request.user, pk)
    return _authorize(request, connection, for_writing=connection.can_act)


@login_required
@require_POST
@recent_login_required
def allow_acting(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Redirect to DigitalOcean to authorize this team for writing too, and from there to the form's `next`."""
    return _authorize(
        request, connection_of(request.user, pk), for_writing=True, next_url=get_next_redirect_url(request) or ""
    )


def _authorize(
    request: SignedInRequest, connection: Connection, *, for_writing: bool, next_url: str = ""
) -> HttpResponse:
    provider = get_adapter().get_provider(request, connection_service.PROVIDER)
    scope = ["read", "write"] if for_writing else provider.get_scope()
    answer: HttpResponse = provider.redirect(
        request, "connect", next_url=next_url, scope=scope, data={"connection": str(connection.pk), "scope": scope}
    )
    return answer


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@recent_login_required
def disconnect(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Ask, then disconnect a team."""
    connection = connection_of(request.user, pk)
    if request.method != "POST":
        return render(request, "accounts/disconnect.html", {"connection": connection})
    undecryptable = _undecryptable([connection])
    waiting = connection_service.disconnect(connection)
    if waiting is None:
        messages.error(request, connection_service.ONLY_LOGIN)
    else:
        messages.success(request, _summary([connection.team_name], waiting, undecryptable))
    return redirect("socialaccount_connections")


@login_required
@require_POST
@recent_login_required
def sign_in(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Allow or forbid log-in with this team."""
    connection = connection_of(request.user, pk)
    on = request.POST.get("on") == "1"
    if connection_service.set_sign_in(connection, on):
        can = "can now" if on else "can no longer"
        messages.success(request, f"You {can} log in with {connection.team_name}.")
    else:
        messages.error(request, connection_service.ONLY_LOGIN)
    return redirect("socialaccount_connections")


@shown_to_support
@login_required
@require_safe
def settings(request: SignedInRequest) -> HttpResponse:
    """The Account page."""
    user = request.user
    context = {
        "email": user.email if user.has_own_email else "",
        "has_password": user.has_usable_password(),
        "mfa_on": is_mfa_enabled(user),
        "sessions": UserSession.objects.filter(user=user).count(),
    }
    return render(request, "accounts/settings.html", context)


class ConfirmEmail(ConfirmEmailView):
    """allauth's page, but the first confirmation works only for the visitor who signed up.

    A second click on its button shows that the link was used, not a 404.
    """

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        confirmation = context.get("confirmation")
        if confirmation:
            user = confirmation.email_address.user
            context["needs_password"] = not email_ownership.may_confirm(self.request, user, "")
            context["has_password"] = user.has_usable_password()
        return context

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer: HttpResponse
        try:
            user = self.get_object().email_address.user
            if not email_ownership.may_confirm(request, user, request.POST.get("password", "")):
                answer = self.get(request, *args, **kwargs)
                answer.context_data["is_wrong"] = True  # type: ignore[attr-defined]  # of a TemplateResponse
                answer.status_code = 422
                return answer
            answer = super().post(request, *args, **kwargs)
        except Http404:
            answer = self.get(request, *args, **kwargs)
        return answer


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@recent_login_required
def delete(request: SignedInRequest) -> HttpResponse:
    """Ask, then delete the account. The user types the email address to confirm."""
    form = DeleteAccountForm(request.POST or None, user=request.user)
    if form.is_valid():
        user = request.user
        connections = list(Connection.objects.for_user(user))
        names = [connection.team_name for connection in connections]
        undecryptable = _undecryptable(connections)
        waiting = connection_service.delete_account(user)
        logout(request)
        return render(
            request,
            "accounts/deleted.html",
            {"summary": _summary(names, waiting, undecryptable) if names else ""},
        )
    status = 422 if form.is_bound else 200
    context = {"form": form, "connections": Connection.objects.for_user(request.user)}
    return render(request, "accounts/delete.html", context, status=status)


def _undecryptable(connections: list[Connection]) -> list[str]:
    """Names of the teams whose token no key decrypts, so that Conveyor cannot revoke it."""
    return [connection.team_name for connection in connections if not token_store.is_readable(connection)]


def _summary(names: list[str], waiting: list[Revocation], undecryptable: list[str]) -> str:
    """Which teams are disconnected, and whether their tokens are revoked, still to be revoked, or cannot be revoked."""
    verb = "is" if len(names) == 1 else "are"
    sentences = [f"{', '.join(names)} {verb} disconnected."]
    if waiting:
        teams = ", ".join(sorted({row.team_name for row in waiting}))
        sentences.append(f"The access to {teams} could not be revoked at DigitalOcean yet. Conveyor will keep trying.")
    if undecryptable:
        sentences.append(
            f"Conveyor can no longer decrypt the token of {', '.join(undecryptable)}, so it cannot revoke it. Remove "
            "Conveyor in DigitalOcean's control panel under API, OAuth."
        )
    if len(waiting) + len(undecryptable) < len(names):
        rest = "All other access" if waiting or undecryptable else "The access"
        sentences.append(f"{rest} is revoked at DigitalOcean.")
    return " ".join(sentences)
