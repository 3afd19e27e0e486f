"""What becomes of somebody who comes back from DigitalOcean with a grant: the decisions of the callback.

Called by allauth's adapter hooks. Each path ends in `links.link`, or in `links.refuse` and a page that says why.
"""

from __future__ import annotations

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts import connections
from accounts.error_pages import ErrorPage, page, stop
from accounts.models import Connection, User


def decide(request: HttpRequest, login: SocialLogin) -> None:
    """Before allauth goes on. Raises ImmediateHttpResponse where the path ends here."""
    if login.state.get("process") == "connect":
        raise ImmediateHttpResponse(_connect(request, login))
    if login.is_existing:
        _sign_in(request, login)
    else:
        _known_by_another_team(login)


def _connect(request: HttpRequest, login: SocialLogin) -> HttpResponse:
    if not request.user.is_authenticated:
        connections.refuse(login, "signed out meanwhile")
        return page(request, _SIGNED_OUT)
    user: User = request.user
    expected = _expected(login, user)
    start: str = login.state.get("next") or ""
    if expected is not None and expected.account.uid not in _uids(login):
        connections.refuse(login, "another team", user=user)
        return page(
            request,
            ErrorPage(
                "You chose another team",
                f"This was about {expected.team_name}, but at DigitalOcean another team was chosen. Nothing was "
                f"changed. Start again and choose {expected.team_name}, signed in at DigitalOcean as "
                f"{expected.email or 'the same user'}.",
                action_label="Go back" if start else "",
                action_url=start,
            ),
        )
    try:
        linked = connections.link(login, user, chosen=expected is not None)
    except connections.BelongsToAnother:
        connections.refuse(login, "belongs to another", user=user)
        return page(
            request,
            ErrorPage(
                "This team is connected to another account",
                "With this DigitalOcean user it is already part of somebody else's Conveyor. Nothing was changed. "
                "Disconnect it there first, or have a DigitalOcean user of your own invited to the team.",
            ),
        )
    except connections.TookTooLong:
        return page(request, _TOO_LONG)
    except connections.NobodyThere:
        connections.refuse(login, "account deleted")
        logout(request)
        return page(request, _SIGNED_OUT)
    connections.process_now(linked.owed)
    _tell(request, linked, expected if _asked_to_act(login) else None)
    # allauth has held `next` against its own hosts before it went into the state.
    return redirect(start or "droplets:fleet")


_SIGNED_OUT = ErrorPage(
    "You were signed out meanwhile",
    "So the team could not be connected, and its access was given back. Log in and connect it again.",
    status=401,
)
_TOO_LONG = ErrorPage(
    "That took too long",
    "The access was given back in the meantime, so nothing is connected. Start again from Conveyor.",
)


def _expected(login: SocialLogin, user: User) -> Connection | None:
    """The connection that this round trip was started for, if it was for one."""
    data = login.state.get("data")
    pk = data.get("connection") if isinstance(data, dict) else None
    return Connection.objects.of(user).filter(pk=pk).first() if pk else None


def _tell(request: HttpRequest, linked: connections.LinkResult, to_act: Connection | None) -> None:
    """What came of it. `to_act` is the connection as it was before, where this was about acting through it."""
    name = linked.connection.team_name
    if to_act and not linked.connection.can_act:
        messages.warning(request, f"DigitalOcean gave access to {name} for reading only, so you cannot act in it.")
    elif to_act and not to_act.can_act:
        messages.success(request, f"You can act in {name} now.")
    else:
        words = {
            "added": f"{name} is connected.",
            "renewed": f"{name} was connected already; its access is renewed.",
            "kept": f"{name} is connected already, with more access than this. Nothing was changed.",
        }
        messages.success(request, words[linked.how])


def _asked_to_act(login: SocialLogin) -> bool:
    data = login.state.get("data")
    return isinstance(data, dict) and "write" in (data.get("scope") or ())


def _uids(login: SocialLogin) -> tuple[str, str]:
    """Under which uids this user and team may be known: a link from before there was a team has none in it."""
    uid = login.account.uid
    return uid, uid.partition(":")[0] + ":"


def _sign_in(request: HttpRequest, login: SocialLogin) -> None:
    """A known team signs in only where its owner has switched that on; its stored pair stays as it is."""
    connection = Connection.objects.select_related("account").filter(account=login.account).first()
    connections.refuse(login, "sign-in only" if connection and connection.sign_in else "not for signing in")
    if connection is None or not connection.sign_in:
        raise stop(
            request,
            ErrorPage(
                "This team is not for signing in",
                "It is connected to a Conveyor account, but only to see its droplets. Log in another way; then you can "
                'switch on "Sign in with this" on the Connections page.',
                "Log in another way",
                reverse("account_login"),
                status=403,
            ),
        )


def _known_by_another_team(login: SocialLogin) -> None:
    """An unknown team of a DigitalOcean user who may sign in to exactly one account signs in there.

    Only the user is set here; the team is linked once log-in is complete (`signals`), second factor included.
    """
    user_uuid = login.account.uid.partition(":")[0]
    owners = SocialAccount.objects.filter(
        provider=connections.PROVIDER, connection__user_uuid=user_uuid, connection__sign_in=True
    )
    user_ids = set(owners.values_list("user_id", flat=True))
    if len(user_ids) == 1:
        login.user = User.objects.get(pk=user_ids.pop())


def link_after_login(request: HttpRequest, user: User, login: SocialLogin) -> None:
    """Log-in is complete: a team that was unknown until now becomes one of the user's."""
    # Not `_state.adding`: the login may have waited in the session for a second factor, and that forgets it.
    if login.account.pk is not None:
        return
    try:
        linked = connections.link(login, user, sign_in=True)
    except connections.LinkError as error:
        if not isinstance(error, connections.TookTooLong):
            connections.refuse(login, "not linked after log-in")
        messages.warning(request, "You are signed in, but the team could not be connected. Connect it again.")
        return
    connections.process_now(linked.owed)
    messages.success(request, f"{linked.connection.team_name} is connected.")
