"""The pages about oneself: connections, account settings, and leaving."""

from __future__ import annotations

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
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import connection_cards, token_store
from accounts import connections as connection_service
from accounts.adapter import LAST_WAY_IN
from accounts.decorators import SignedInRequest
from accounts.forms import DeleteAccountForm
from accounts.models import Connection, Revocation, User
from accounts.reauthentication import recent_login_required


def connection_of(user: User, pk: UUID) -> Connection:
    """One of the user's own connections; somebody else's, or none, is a 404."""
    return get_object_or_404(Connection.objects.of(user), pk=pk)


@login_required
@require_GET
def connections(request: SignedInRequest) -> HttpResponse:
    return render(request, "socialaccount/connections.html", {"connections": connection_cards.cards_for(request.user)})


@login_required
@require_POST
@recent_login_required
def reconnect(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Off to DigitalOcean for this one team, asking for the access that it had."""
    connection = connection_of(request.user, pk)
    return _authorize(request, connection, to_act=connection.can_act)


@login_required
@require_POST
@recent_login_required
def allow_acting(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Off to DigitalOcean for this one team, asking to act in it too; from there back to the form's `next`."""
    return _authorize(
        request, connection_of(request.user, pk), to_act=True, next_url=get_next_redirect_url(request) or ""
    )


def _authorize(request: SignedInRequest, connection: Connection, *, to_act: bool, next_url: str = "") -> HttpResponse:
    provider = get_adapter().get_provider(request, connection_service.PROVIDER)
    scope = ["read", "write"] if to_act else provider.get_scope()
    answer: HttpResponse = provider.redirect(
        request, "connect", next_url=next_url, scope=scope, data={"connection": str(connection.pk), "scope": scope}
    )
    return answer


@login_required
@require_http_methods(["GET", "POST"])
@recent_login_required
def disconnect(request: SignedInRequest, pk: UUID) -> HttpResponse:
    connection = connection_of(request.user, pk)
    if request.method == "GET":
        return render(request, "accounts/disconnect.html", {"connection": connection_cards.card(connection)})
    lost = _unreadable([connection])
    waiting = connection_service.disconnect(connection)
    if waiting is None:
        messages.error(request, LAST_WAY_IN)
    else:
        messages.success(request, _told([connection.team_name], waiting, lost))
    return redirect("socialaccount_connections")


@login_required
@require_POST
@recent_login_required
def sign_in(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Switch whether this team may sign in."""
    connection = connection_of(request.user, pk)
    on = request.POST.get("on") == "1"
    if connection_service.set_sign_in(connection, on):
        can = "can now" if on else "can no longer"
        messages.success(request, f"You {can} sign in with {connection.team_name}.")
    else:
        messages.error(request, LAST_WAY_IN)
    return redirect("socialaccount_connections")


@login_required
@require_GET
def settings(request: SignedInRequest) -> HttpResponse:
    user = request.user
    context = {
        "email": user.email if user.has_own_email else "",
        "has_password": user.has_usable_password(),
        "mfa_on": is_mfa_enabled(user),
        "sessions": UserSession.objects.filter(user=user).count(),
    }
    return render(request, "accounts/settings.html", context)


class ConfirmEmail(ConfirmEmailView):
    """allauth's, but for a second click on its button: the page says that the link is used up, and is no 404."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer: HttpResponse
        try:
            answer = super().post(request, *args, **kwargs)
        except Http404:
            answer = self.get(request, *args, **kwargs)
        return answer


@login_required
@require_http_methods(["GET", "POST"])
@recent_login_required
def delete(request: SignedInRequest) -> HttpResponse:
    """Delete the account: what goes is listed, the address is typed, the log-in is recent."""
    form = DeleteAccountForm(request.POST or None, user=request.user)
    if form.is_valid():
        user = request.user
        mine = list(Connection.objects.of(user))
        names = [connection.team_name for connection in mine]
        lost = _unreadable(mine)
        waiting = connection_service.delete_account(user)
        logout(request)
        return render(
            request,
            "accounts/deleted.html",
            {"told": _told(names, waiting, lost) if names else ""},
        )
    status = 422 if form.is_bound else 200
    context = {"form": form, "connections": connection_cards.cards_for(request.user)}
    return render(request, "accounts/delete.html", context, status=status)


def _unreadable(connections: list[Connection]) -> list[str]:
    """The teams whose stored access no key opens, so that there is nothing to revoke it with."""
    return [connection.team_name for connection in connections if not token_store.is_readable(connection)]


def _told(names: list[str], waiting: list[Revocation], lost: list[str]) -> str:
    """What was revoked, what DigitalOcean has still to be told, and what it cannot be told."""
    verb = "is" if len(names) == 1 else "are"
    told = [f"{', '.join(names)} {verb} disconnected."]
    if waiting:
        still = ", ".join(sorted({row.team_name for row in waiting}))
        told.append(
            f"DigitalOcean could not be told yet to revoke the access of {still}; Conveyor goes on trying until it is "
            "done."
        )
    if lost:
        told.append(
            f"The key to the stored access of {', '.join(lost)} is not here any more, so Conveyor cannot revoke it: "
            "remove Conveyor in DigitalOcean's panel under API, OAuth."
        )
    if len(waiting) + len(lost) < len(names):
        told.append("The rest of the access" if waiting or lost else "The access")
        told[-1] += " is revoked at DigitalOcean."
    return " ".join(told)
