"""The OAuth callback: what to do with the grant that a user brings back from DigitalOcean.

Called by the hooks of `accounts.adapter`. Each case ends in `connections.link`, or in `connections.refuse` and an error
page.
"""

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts import connections, email_ownership
from accounts.error_pages import ErrorPage, page, stop
from accounts.models import Connection, Revocation, User


def decide(request: HttpRequest, login: SocialLogin) -> None:
    """Handle the login before allauth does. Raises ImmediateHttpResponse if allauth has nothing left to do."""
    if login.state.get("process") == "connect":
        raise ImmediateHttpResponse(_connect(request, login))
    if login.is_existing:
        _sign_in(request, login)
    else:
        _match_by_user(login)
        if login.user.pk is None:
            _prepare_sign_up(request, login)


def _connect(request: HttpRequest, login: SocialLogin) -> HttpResponse:
    if not request.user.is_authenticated:
        connections.refuse(login, "logged out meanwhile")
        return page(request, _LOGGED_OUT)
    user: User = request.user
    expected = _expected(login, user)
    next_url: str = login.state.get("next") or ""
    if expected is not None and expected.account.uid not in _uids(login):
        connections.refuse(login, "another team", user=user)
        return page(
            request,
            ErrorPage(
                "You chose another team",
                f"You chose another team at DigitalOcean than {expected.team_name}. Nothing was changed. Start again "
                f"and choose {expected.team_name}. Log in to DigitalOcean as {expected.email or 'the same user'}.",
                action_label="Go back" if next_url else "",
                action_url=next_url,
            ),
        )
    try:
        result = connections.link(login, user, chosen=expected is not None)
    except connections.ConnectedElsewhere:
        connections.refuse(login, "connected elsewhere", user=user)
        return page(
            request,
            ErrorPage(
                "This team is connected to another account",
                "Another Conveyor account has connected it with the same DigitalOcean user. Nothing was changed. "
                "Disconnect it there first, or use another DigitalOcean user who is a member of the team.",
            ),
        )
    except connections.GrantExpired:
        return page(request, _EXPIRED)
    except connections.AccountDeleted:
        connections.refuse(login, "account deleted")
        logout(request)
        return page(request, _LOGGED_OUT)
    connections.process_now(result.revocations)
    _add_message(request, result, expected if _asked_to_write(login) else None)
    # allauth has checked that `next` stays on this host before it stored it.
    return redirect(next_url or "droplets:fleet")


_LOGGED_OUT = ErrorPage(
    "You were logged out",
    "The team was not connected, and Conveyor gave up the access to it. Log in and connect the team again.",
    status=401,
)
_EXPIRED = ErrorPage(
    "That took too long", "The authorization has expired. Nothing was connected. Start again from Conveyor."
)


def _expected(login: SocialLogin, user: User) -> Connection | None:
    """The connection that the user wanted to reconnect, if any."""
    data = login.state.get("data")
    pk = data.get("connection") if isinstance(data, dict) else None
    return Connection.objects.for_user(user).filter(pk=pk).first() if pk else None


def _add_message(request: HttpRequest, result: connections.LinkResult, for_writing: Connection | None) -> None:
    """Show the result. `for_writing` is the connection as it was before, if the user asked for write access."""
    name = result.connection.team_name
    if for_writing and not result.connection.can_act:
        messages.warning(request, f"DigitalOcean gave read access only, so you cannot change droplets of {name}.")
    elif for_writing and not for_writing.can_act:
        messages.success(request, f"You can now change droplets of {name}.")
    else:
        words = {
            "connected": f"{name} is connected.",
            "reconnected": f"{name} is reconnected.",
            "unchanged": f"{name} is already connected, with more access than this. Nothing was changed.",
        }
        messages.success(request, words[result.outcome])


def _asked_to_write(login: SocialLogin) -> bool:
    data = login.state.get("data")
    return isinstance(data, dict) and "write" in (data.get("scope") or ())


def _uids(login: SocialLogin) -> tuple[str, str]:
    """The uids that this user and team may have: with the team, and without (connected before there was a team)."""
    uid = login.account.uid
    return uid, uid.partition(":")[0] + ":"


def _sign_in(request: HttpRequest, login: SocialLogin) -> None:
    """Log in with a connected team, if its owner allows that. Its stored pair stays as it is."""
    connection = Connection.objects.select_related("account").filter(account=login.account).first()
    grant = Revocation.objects.filter(pk=connections.grant_id(login)).first()
    if grant and connection and connection.sign_in:
        connections.update_owner(connection, grant)
    connections.refuse(login, "log-in only" if connection and connection.sign_in else "log-in not allowed")
    if connection is None or not connection.sign_in:
        raise stop(
            request,
            ErrorPage(
                "You cannot log in with this team",
                "It is connected to a Conveyor account, but log-in with it is turned off. Log in another way; then you "
                'can turn on "Log in with this team" on the Connections page.',
                "Log in another way",
                reverse("account_login"),
                status=403,
            ),
        )


def _match_by_user(login: SocialLogin) -> None:
    """Log in with a new team, if other teams of this DigitalOcean user may log in to exactly one account.

    This only sets the user. `link_after_login` connects the team once the log-in is complete, second factor included.
    """
    user_uuid = login.account.uid.partition(":")[0]
    owners = SocialAccount.objects.filter(
        provider=connections.PROVIDER, connection__user_uuid=user_uuid, connection__sign_in=True
    )
    user_ids = set(owners.values_list("user_id", flat=True))
    if len(user_ids) == 1:
        login.user = User.objects.get(pk=user_ids.pop())


def _prepare_sign_up(request: HttpRequest, login: SocialLogin) -> None:
    """A new account gets DigitalOcean's email address, so DigitalOcean must have confirmed it."""
    if not getattr(request, "oauth_email_verified", False):
        connections.refuse(login, "email not confirmed")
        raise stop(
            request,
            ErrorPage(
                "DigitalOcean has not confirmed your email address",
                "Confirm it at DigitalOcean first, or sign up with an email address and a password and connect the "
                "team then. Nothing was connected.",
                "Sign up",
                reverse("account_signup"),
                status=403,
            ),
        )
    email_ownership.free_address(login.user.email)


def link_after_login(request: HttpRequest, user: User, login: SocialLogin) -> None:
    """Connect a new team once the log-in with it is complete."""
    # Not `_state.adding`: it is lost if the login waited in the session for a second factor.
    if login.account.pk is not None:
        return
    try:
        result = connections.link(login, user, sign_in=True)
    except connections.LinkError as error:
        if not isinstance(error, connections.GrantExpired):
            connections.refuse(login, "not connected after log-in")
        messages.warning(request, "You are logged in, but the team could not be connected. Connect it again.")
        return
    connections.process_now(result.revocations)
    messages.success(request, f"{result.connection.team_name} is connected.")
