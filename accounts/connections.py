"""link(): how a DigitalOcean team becomes a Connection, from every way in; and the ways out again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic
from typing import Literal
from uuid import UUID

from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit, revocations, token_store
from accounts.models import Connection, Event, Revocation, User

PROVIDER = "digitalocean"

_PAY_SECONDS = 4.0
"""How long a page waits for DigitalOcean to take a revocation before it says that it will be done later."""


class LinkError(Exception):
    """The team cannot be linked."""


class TookTooLong(LinkError):
    """The grant waited so long to be linked that it is being revoked, or has been."""


class BelongsToAnother(LinkError):
    """This user's access to this team is linked by another Conveyor account."""


class NobodyThere(LinkError):
    """The person has deleted the account meanwhile."""


How = Literal["added", "renewed", "kept"]


@dataclass(frozen=True)
class LinkResult:
    connection: Connection
    how: How
    """`kept`: the stored pair was healthy and reaches further than the new grant, so it stayed."""
    owed: list[UUID]
    """The revocations that came of it: of a pair that was replaced, or of the grant that was not needed."""


def grant_id(login: SocialLogin) -> UUID:
    """Which grant a login has in its hand. allauth carries this id about, in place of a token."""
    if login.token is None:
        raise TookTooLong
    return UUID(login.token.token)


def link(
    login: SocialLogin, user: User, *, sign_in: bool = False, chosen: bool = False, actor: str = audit.PERSON
) -> LinkResult:
    """Make the team that this login is for one of the user's connections, or renew the one it is already.

    In one transaction: the pair is stored, an older pair is owed a revocation, the grant's own revocation is struck.
    `chosen` says that the person asked for just this connection and scope, so the scope may get narrower.
    Raises `TookTooLong`, `BelongsToAnother`, `NobodyThere`; the grant is due for revocation then.
    """
    pk = grant_id(login)
    try:
        with transaction.atomic():
            pending = Revocation.objects.filter(status=Revocation.Status.PENDING, due_at__gt=timezone.now())
            grant = pending.select_for_update().filter(pk=pk).first()
            if grant is None:
                raise TookTooLong
            connection, how = _link(grant, login, user, sign_in, chosen, actor)
            owed = pending_revocations([connection.pk])
            if how == "kept":
                revocations.mark_due(pk, "not needed")
                owed.append(pk)
            else:
                grant.delete()
    except BelongsToAnother:
        revocations.mark_due(pk, "belongs to another")
        raise
    except IntegrityError:
        if User.objects.filter(pk=user.pk).exists():
            raise
        revocations.mark_due(pk, "account deleted")
        raise NobodyThere from None
    login.user = user
    return LinkResult(connection, how, owed)


def _link(
    grant: Revocation, login: SocialLogin, user: User, sign_in: bool, chosen: bool, actor: str
) -> tuple[Connection, How]:
    account = _account(grant, login, user)
    connection = _held(account)
    if connection and not chosen and _reaches_further(connection, grant.scope):
        return connection, "kept"
    added = connection is None
    if connection is None:
        connection = Connection.objects.create(
            account=account,
            user_uuid=grant.user_uuid,
            team_uuid=grant.team_uuid,
            team_name=_name(grant),
            sign_in=sign_in,
        )
    else:
        _enqueue_replaced(connection)
    access_token, refresh_token = revocations.opened(grant)
    stored = token_store.store(
        connection,
        access_token=access_token,
        refresh_token=refresh_token,
        expires_at=grant.expires_at,
        scope=grant.scope,
        team_uuid=grant.team_uuid,
        team_name=_name(grant),
        email=grant.email,
        connected_at=timezone.now(),
        refreshed_at=None,
        sign_in=connection.sign_in or sign_in,
    )
    if not stored:
        raise AssertionError("a row that this transaction holds changed its generation")
    kind = Event.Kind.CONNECT if added else Event.Kind.RECONNECT
    audit.record(kind, connection, actor=actor, user=user, request_id=grant.request_id)
    if not added and connection.scope != grant.scope:
        audit.scope_changed(connection, grant.scope, actor=actor, user=user, request_id=grant.request_id)
    connection.refresh_from_db()
    return connection, "added" if added else "renewed"


def _account(grant: Revocation, login: SocialLogin, user: User) -> SocialAccount:
    """The SocialAccount of this grant, owned by `user`: found, re-keyed from before there was a team, or new."""
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
        except IntegrityError:  # another tab was faster
            found = SocialAccount.objects.get(provider=PROVIDER, uid=grant.uid)
    if found.user_id != user.pk:
        raise BelongsToAnother
    login.account = found
    return found


def _held(account: SocialAccount) -> Connection | None:
    """The account's connection with its pair, which nobody changes until the end of the transaction.

    Locked first and read after: PostgreSQL would lock the newest row, and join it with a token of before the wait.
    """
    list(Connection.objects.select_for_update().filter(account=account))
    return Connection.objects.select_related("account", "token").filter(account=account).first()


def _rekey(account: SocialAccount, uid: str) -> None:
    """A connection made without a team whose owner has one now: the same link under its full name.

    The stored pair was sealed for the old uid, so it is owed its revocation before the uid changes.
    """
    connection = _held(account)
    if connection:
        _enqueue_replaced(connection)
        if connection.token:
            type(connection.token).objects.filter(pk=connection.token.pk).update(token="", token_secret="")
    account.uid = uid
    account.save(update_fields=["uid"])


def _reaches_further(connection: Connection, scope: str) -> bool:
    """Whether the stored pair is in order and its scope strictly contains `scope`."""
    healthy = connection.state == Connection.State.HEALTHY and token_store.is_readable(connection)
    return healthy and set(scope.split()) < set(connection.scope.split())


def _enqueue_replaced(connection: Connection, reason: str = "replaced") -> None:
    pair = token_store.decrypt_pair(connection.token, connection.account.uid) if connection.token else None
    if pair:
        revocations.enqueue(*pair, expires_at=connection.expires_at, reason=reason, connection=connection)


def _name(grant: Revocation) -> str:
    return grant.team_name or grant.email or "Personal account"


def refuse(login: SocialLogin, reason: str, *, user: User | None = None) -> None:
    """Do not link: the grant is owed its revocation from now on, and is offered to DigitalOcean at once."""
    discard(grant_id(login), reason, user=user)


def discard(pk: UUID, reason: str, *, user: User | None = None) -> None:
    revocations.mark_due(pk, reason)
    grant = Revocation.objects.filter(pk=pk).first()
    if grant:
        audit.record(
            Event.Kind.REFUSED, grant, actor=audit.PERSON, outcome=reason, user=user, request_id=grant.request_id
        )
    process_now([pk])


def process_now(pks: Iterable[UUID]) -> list[Revocation]:
    """Try to pay these at once, within a few seconds; returns those that still wait."""
    pks = list(pks)
    revocations.process(pks, deadline=monotonic() + _PAY_SECONDS, actor=audit.PERSON)
    return list(Revocation.objects.filter(pk__in=pks))


def may_lose(connection: Connection) -> bool:
    """Whether its owner can still sign in without this connection: the last way in must stay."""
    if not connection.sign_in:
        return True
    user = connection.user
    if user.has_usable_password() and user.has_own_email:
        return True
    return Connection.objects.filter(account__user=user, sign_in=True).exclude(pk=connection.pk).exists()


def set_sign_in(connection: Connection, on: bool) -> bool:
    """Switch "sign in with this". False when it is the last way in and would be switched off."""
    with transaction.atomic():
        now = _locked(connection)
        if now is None or now.sign_in == on:
            return True
        if not on and not may_lose(now):
            return False
        Connection.objects.filter(pk=now.pk).update(sign_in=on)
        audit.record(Event.Kind.SIGN_IN, now, actor=audit.PERSON, user=now.user, detail="on" if on else "off")
    return True


def disconnect(connection: Connection) -> list[Revocation] | None:
    """Delete the connection at once, and offer its grant to DigitalOcean for revocation.

    Returns the revocations that still wait (empty: DigitalOcean took it); None, and nothing done, when it is the last
    way in. The revocation is written by `signals` in the same transaction, for every way in which a token can go.
    """
    with transaction.atomic():
        now = _locked(connection)
        if now is not None:
            if not may_lose(now):
                return None
            audit.record(Event.Kind.DISCONNECT, now, actor=audit.PERSON, user=now.user)
            now.account.delete()
    return process_now(pending_revocations([connection.pk]))


def _locked(connection: Connection) -> Connection | None:
    """The connection as it is now, None when it has gone; nobody else changes this person's ways in meanwhile.

    The person is locked, so that two tabs cannot switch off or disconnect the last two; then the account, which
    `link` locks before the connection, too.
    """
    account = connection.account
    list(User.objects.select_for_update(no_key=True).filter(pk=account.user_id))
    list(SocialAccount.objects.select_for_update(of=("self",)).filter(pk=account.pk))
    return Connection.objects.select_related("account__user", "token").filter(pk=connection.pk).first()


def delete_account(user: User) -> list[Revocation]:
    """Delete a person with all connections. Returns the revocations that still wait."""
    with transaction.atomic():
        list(SocialAccount.objects.select_for_update(of=("self",)).filter(user=user))
        connections = list(Connection.objects.of(user))
        for connection in connections:
            audit.record(Event.Kind.DISCONNECT, connection, actor=audit.PERSON, detail="account deleted")
        user.delete()
    return process_now(pending_revocations([connection.pk for connection in connections]))


def pending_revocations(connection_pks: list[UUID]) -> list[UUID]:
    return list(Revocation.objects.filter(connection_id__in=connection_pks).values_list("pk", flat=True))
