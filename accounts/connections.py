"""Connect and disconnect DigitalOcean teams, allow log-in with them, and delete accounts."""

from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic
from typing import Any, Literal
from uuid import UUID

from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit, outcomes, revocations, token_store
from accounts.models import Connection, Event, Revocation, User, team_label

PROVIDER = "digitalocean"

ONLY_LOGIN = "This is your only way to log in. Set a password first, or allow log-in with another team."

_REVOKE_SECONDS = 4.0
"""How long a page waits for DigitalOcean to accept revocations before it says that they are done later."""


class LinkError(Exception):
    """The team cannot be connected."""


class GrantExpired(LinkError):
    """The grant was pending for too long: it is being revoked, or has been."""


class ConnectedElsewhere(LinkError):
    """Another Conveyor account has connected this team with the same DigitalOcean user."""


class AccountDeleted(LinkError):
    """The Conveyor account was deleted meanwhile."""


Outcome = Literal["connected", "reconnected", "unchanged"]


@dataclass(frozen=True)
class LinkResult:
    connection: Connection
    outcome: Outcome
    """`unchanged`: the stored pair is healthy and has a wider scope than the new grant, so it was not replaced."""
    revocations: list[UUID]
    """Revocations to process: of the pair that was replaced, or of the new grant if it is not needed."""


def grant_id(login: SocialLogin) -> UUID:
    """Primary key of the login's grant: what allauth and the session carry instead of the token."""
    if login.token is None:
        raise GrantExpired
    return UUID(login.token.token)


def link(
    login: SocialLogin, user: User, *, sign_in: bool = False, chosen: bool = False, actor: str = audit.PERSON
) -> LinkResult:
    """Connect the team of this login for the user, or give its existing connection the new token pair.

    One transaction stores the pair, queues the revocation of the pair before it, and deletes the pending grant.
    `sign_in` allows log-in with the team. `chosen` means that the user asked for this connection and scope, so the
    scope may become narrower. Raises `GrantExpired`, `ConnectedElsewhere`, `AccountDeleted`; the grant is then queued
    for revocation.
    """
    pk = grant_id(login)
    try:
        with transaction.atomic():
            pending = Revocation.objects.filter(status=Revocation.Status.PENDING, due_at__gt=timezone.now())
            grant = pending.select_for_update().filter(pk=pk).first()
            if grant is None:
                raise GrantExpired
            connection, outcome = _link(grant, login, user, sign_in, chosen, actor)
            queued = pending_revocations([connection.pk])
            if outcome == "unchanged":
                revocations.mark_due(pk, "not needed")
                queued.append(pk)
            else:
                grant.delete()
    except ConnectedElsewhere:
        revocations.mark_due(pk, "belongs to another")
        raise
    except IntegrityError:
        if User.objects.filter(pk=user.pk).exists():
            raise
        revocations.mark_due(pk, "account deleted")
        raise AccountDeleted from None
    if outcome == "reconnected":
        outcomes.note_new_pair(connection)
    login.user = user
    return LinkResult(connection, outcome, queued)


def _link(
    grant: Revocation, login: SocialLogin, user: User, sign_in: bool, chosen: bool, actor: str
) -> tuple[Connection, Outcome]:
    account = _account(grant, login, user)
    connection = _lock_connection(account)
    if connection and not chosen and _has_wider_scope(connection, grant.scope):
        update_owner(connection, grant)
        return connection, "unchanged"
    is_new = connection is None
    if connection is None:
        connection = Connection.objects.create(
            account=account, user_uuid=grant.user_uuid, sign_in=sign_in, **_owner_fields(grant)
        )
    else:
        _enqueue_replaced(connection)
    access_token, refresh_token = revocations.decrypt_pair(grant)
    stored = token_store.store(
        connection,
        access_token=access_token,
        refresh_token=refresh_token,
        expires_at=grant.expires_at,
        scope=grant.scope,
        **_owner_fields(grant),
        connected_at=timezone.now(),
        refreshed_at=None,
        sign_in=connection.sign_in or sign_in,
    )
    if not stored:
        raise AssertionError("the generation of a locked row has changed")
    kind = Event.Kind.CONNECT if is_new else Event.Kind.RECONNECT
    audit.record(kind, connection, actor=actor, user=user, request_id=grant.request_id)
    if not is_new and connection.scope != grant.scope:
        audit.scope_changed(connection, grant.scope, actor=actor, user=user, request_id=grant.request_id)
    connection.refresh_from_db()
    return connection, "connected" if is_new else "reconnected"


def _account(grant: Revocation, login: SocialLogin, user: User) -> SocialAccount:
    """The user's SocialAccount for this grant: existing, existing without a team until now, or new."""
    found = SocialAccount.objects.select_for_update(of=("self",)).filter(provider=PROVIDER, uid=grant.uid).first()
    if found is None and grant.team_uuid:
        found = SocialAccount.objects.filter(provider=PROVIDER, uid=f"{grant.user_uuid}:", user=user).first()
        if found:
            _rekey(found, grant.uid)
    if found is None:
        try:
            with transaction.atomic():
                found = SocialAccount.objects.create(
                    provider=PROVIDER, uid=grant.uid, user=user, extra_data=login.account.extra_data
                )
        except IntegrityError:  # another tab has just created it
            found = SocialAccount.objects.get(provider=PROVIDER, uid=grant.uid)
    if found.user_id != user.pk:
        raise ConnectedElsewhere
    login.account = found
    return found


def _lock_connection(account: SocialAccount) -> Connection | None:
    """The account's connection with its token pair, locked until the end of the transaction.

    Two queries: if one had to wait for the lock, PostgreSQL would join the new row with the token from before the wait.
    """
    list(Connection.objects.select_for_update().filter(account=account))
    return Connection.objects.select_related("account", "token").filter(account=account).first()


def _rekey(account: SocialAccount, uid: str) -> None:
    """Give the account of a user without a team the uid with the team that this user has now.

    The stored pair is encrypted for the old uid, so its revocation is queued first.
    """
    connection = _lock_connection(account)
    if connection:
        _enqueue_replaced(connection)
        if connection.token:
            type(connection.token).objects.filter(pk=connection.token.pk).update(token="", token_secret="")
    account.uid = uid
    account.save(update_fields=["uid"])


def _has_wider_scope(connection: Connection, scope: str) -> bool:
    """Whether the stored pair is healthy, with all of `scope` and more."""
    healthy = connection.state == Connection.State.HEALTHY and token_store.is_readable(connection)
    return healthy and set(scope.split()) < set(connection.scope.split())


def _enqueue_replaced(connection: Connection, reason: str = "replaced") -> None:
    pair = token_store.decrypt_pair(connection.token, connection.account.uid) if connection.token else None
    if pair:
        revocations.enqueue(*pair, expires_at=connection.expires_at, reason=reason, connection=connection)


def _owner_fields(grant: Revocation) -> dict[str, Any]:
    name = team_label(grant.team_name, email=grant.email, team_uuid=grant.team_uuid)
    return {
        "team_uuid": grant.team_uuid,
        "team_name": name,
        "email": grant.email,
        "account_status": grant.account_status,
    }


def update_owner(connection: Connection, grant: Revocation) -> None:
    """Store what DigitalOcean now says about the team and its user: a team may have been renamed."""
    Connection.objects.filter(pk=connection.pk).update(**_owner_fields(grant))
    for name, value in _owner_fields(grant).items():
        setattr(connection, name, value)


def refuse(login: SocialLogin, reason: str, *, user: User | None = None) -> None:
    """Do not connect the login's grant: queue its revocation and try it at once."""
    discard(grant_id(login), reason, user=user)


def discard(pk: UUID, reason: str, *, user: User | None = None) -> None:
    """Queue the revocation of the grant `pk`, record that it was refused, and try the revocation at once."""
    revocations.mark_due(pk, reason)
    grant = Revocation.objects.filter(pk=pk).first()
    if grant:
        audit.record(
            Event.Kind.REFUSED, grant, actor=audit.PERSON, outcome=reason, user=user, request_id=grant.request_id
        )
    process_now([pk])


def process_now(pks: Iterable[UUID], actor: str = audit.PERSON) -> list[Revocation]:
    """Try these revocations for a few seconds. Returns those still to do; `refresh_tokens` tries them again."""
    pks = list(pks)
    revocations.process(pks, deadline=monotonic() + _REVOKE_SECONDS, actor=actor)
    return list(Revocation.objects.filter(pk__in=pks))


def can_remove(connection: Connection) -> bool:
    """Whether its owner can log in without this connection."""
    if not connection.sign_in:
        return True
    user = connection.user
    if user.has_usable_password() and user.has_own_email:
        return True
    return Connection.objects.filter(account__user=user, sign_in=True).exclude(pk=connection.pk).exists()


def set_sign_in(connection: Connection, on: bool) -> bool:
    """Allow or forbid log-in with this team. False, and nothing changed, if the owner could then not log in at all."""
    with transaction.atomic():
        locked = _lock_user_and_connection(connection)
        if locked is None or locked.sign_in == on:
            return True
        if not on and not can_remove(locked):
            return False
        Connection.objects.filter(pk=locked.pk).update(sign_in=on)
        audit.record(Event.Kind.SIGN_IN, locked, actor=audit.PERSON, user=locked.user, detail="on" if on else "off")
    return True


def disconnect(connection: Connection) -> list[Revocation] | None:
    """Delete the connection and try to revoke its grant at DigitalOcean.

    Returns the revocations still to do (empty if DigitalOcean accepted). None, and nothing changed, if the owner could
    then not log in. `signals` queues the revocation in the same transaction whenever a token is deleted.
    """
    with transaction.atomic():
        locked = _lock_user_and_connection(connection)
        if locked is not None:
            if not can_remove(locked):
                return None
            audit.record(Event.Kind.DISCONNECT, locked, actor=audit.PERSON, user=locked.user)
            locked.account.delete()
    return process_now(pending_revocations([connection.pk]))


def _lock_user_and_connection(connection: Connection) -> Connection | None:
    """The connection, read again; None if it was deleted.

    The lock on the user keeps two tabs from removing the last two ways to log in. Then comes the account, in the same
    order as in `link`.
    """
    account = connection.account
    list(User.objects.select_for_update(no_key=True).filter(pk=account.user_id))
    list(SocialAccount.objects.select_for_update(of=("self",)).filter(pk=account.pk))
    return Connection.objects.select_related("account__user", "token").filter(pk=connection.pk).first()


def delete_account(user: User) -> list[Revocation]:
    """Delete a user with all connections. Returns the revocations still to do."""
    return process_now(delete_user(user, actor=audit.PERSON))


def delete_user(user: User, *, actor: str) -> list[UUID]:
    """Delete a user with all connections. Returns the revocations to process after the commit."""
    with transaction.atomic():
        list(SocialAccount.objects.select_for_update(of=("self",)).filter(user=user))
        connections = list(Connection.objects.for_user(user))
        for connection in connections:
            audit.record(Event.Kind.DISCONNECT, connection, actor=actor, detail="account deleted")
        user.delete()
        return pending_revocations([connection.pk for connection in connections])


def pending_revocations(connection_pks: list[UUID]) -> list[UUID]:
    """Primary keys of the queued revocations of these connections."""
    return list(Revocation.objects.filter(connection_id__in=connection_pks).values_list("pk", flat=True))
