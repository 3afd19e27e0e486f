"""What Conveyor stores about a person, as one zip of JSON files: for the person, and for support on their behalf.

Each file is a part. The parts of a higher floor are registered by it (`register`). A part names the fields that it
shows, so a new column with a secret is not in it by itself.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet

from accounts import history
from accounts.models import Connection, IncidentRecipient, OutcomeInterval, SecondFactorReset, User

Row = Mapping[str, Any]
Part = Callable[[User], Row | Iterable[Row]]
"""Returns one object, or a row for each; rows are written as they come, so there may be any number of them."""

_IN_MEMORY = 1_000_000
"""Bytes of an archive that are kept in memory; the rest is in a temporary file without a name."""

_AT_ONCE = 1_000

_parts: dict[str, tuple[str, Part]] = {}

_README = """\
This is what Conveyor stores about your account.

{parts}

Access tokens, refresh tokens, passwords, second-factor secrets and the secrets of webhooks and feeds are not in here.
Your droplets are at DigitalOcean. Conveyor's list of them can be downloaded on the Fleet page.
Times are in UTC.
"""


def register(name: str, description: str, part: Part) -> None:
    """Add the file `name`.json. `description` is its line in README.txt."""
    _parts[name] = (description, part)


def parts() -> list[tuple[str, str]]:
    """Name and description of each file, in the order of their names."""
    return [(f"{name}.json", description) for name, (description, _) in sorted(_parts.items())]


def archive(user: User) -> IO[bytes]:
    """The zip with everything about the user, at its beginning. Whoever calls this records it (`Event.Kind.EXPORT`).

    It is complete before the first byte is sent: a failure shows an error page, and never half an archive.
    """
    file: IO[bytes] = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  # the caller sends and closes it
    try:
        with ZipFile(file, "w") as target:
            lines = "\n".join(f"{name}: {description}" for name, description in parts())
            target.writestr(_file("README.txt"), _README.format(parts=lines))
            for name, (_, part) in sorted(_parts.items()):
                with target.open(_file(f"{name}.json"), "w", force_zip64=True) as output:
                    for piece in _pieces(part(user)):
                        output.write(piece.encode())
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def rows(found: QuerySet[Any], *fields: str) -> Iterable[Row]:
    """These fields of each row, read in parts."""
    return found.values(*fields).iterator(chunk_size=_AT_ONCE)


def _file(name: str) -> ZipInfo:
    info = ZipInfo(name, time.gmtime()[:6])
    info.compress_type = ZIP_DEFLATED
    info.external_attr = 0o600 << 16  # of the file when it is unpacked: for its owner alone
    return info


def _pieces(value: Row | Iterable[Row]) -> Iterable[str]:
    if isinstance(value, Mapping):
        yield _encoded(value, indent=2)
        return
    separator = "[\n"
    for row in value:
        yield separator + _encoded(row)
        separator = ",\n"
    yield "\n]\n" if separator != "[\n" else "[]\n"


def _encoded(row: Row, indent: int | None = None) -> str:
    return json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False, indent=indent)


def _account(user: User) -> Row:
    factors = Authenticator.objects.filter(user=user).order_by("pk")
    addresses = EmailAddress.objects.filter(user=user).order_by("pk")
    log_ins = SocialAccount.objects.filter(user=user).order_by("pk")
    resets = SecondFactorReset.objects.filter(user=user).order_by("pk")
    return {
        "id": user.pk,
        "email": user.email if user.has_own_email else "",
        "joined": user.date_joined,
        "last_log_in": user.last_login,
        "is_active": user.is_active,
        "is_staff": user.is_staff,
        "has_password": user.has_usable_password(),
        "email_addresses": list(addresses.values("email", "verified", "primary")),
        "second_factors": [
            {
                "type": factor.type,
                # The data of the other types is secret.
                "name": factor.wrap().name if factor.type == Authenticator.Type.WEBAUTHN else "",
                "created": factor.created_at,
                "last_used": factor.last_used_at,
            }
            for factor in factors
        ],
        "second_factor_resets": list(
            resets.values("state", "asked_at", "asked_from", "reason", "taken_at", "approved_at", "effective_at")
        ),
        "digitalocean_log_ins": list(log_ins.values("uid", "date_joined", "last_login")),
    }


def _connections(user: User) -> Iterable[Row]:
    return rows(
        Connection.objects.filter(account__user=user).order_by("connected_at"),
        "id", "team_name", "team_uuid", "user_uuid", "email", "account_status", "scope", "sign_in", "state",
        "connected_at", "refreshed_at", "token__expires_at", "failures", "retry_at", "last_error", "last_error_at",
        "droplet_count", "droplets_read_at",
    )  # fmt: skip


def _sessions(user: User) -> Iterable[Row]:
    found = UserSession.objects.filter(user=user).order_by("created_at")
    return rows(found, "ip", "user_agent", "created_at", "last_seen_at")


def _events(user: User) -> Iterable[Row]:
    events = history.events_of(user).iterator(chunk_size=_AT_ONCE)
    return (asdict(entry) for entry in history.entries(events))


def _outcomes(user: User) -> Iterable[Row]:
    return rows(
        OutcomeInterval.objects.filter(user=user).order_by("started_at", "id"),
        "connection_id", "team_name", "kind", "outcome", "sentence", "shown", "shown_as_of", "request_id",
        "started_at", "last_at", "ended_at",
    )  # fmt: skip


def _incident_emails(user: User) -> Iterable[Row]:
    found = IncidentRecipient.objects.filter(user=user).order_by("id")
    return rows(found, "email__subject", "email__text", "status", "changed_at")


register("account", "your account, its email addresses and how you log in", _account)
register("connections", "the DigitalOcean teams that you have connected, without their tokens", _connections)
register("sessions", "the browsers that are logged in", _sessions)
register("outcomes", "how reading your teams and refreshing their tokens ended", _outcomes)
register("incident_emails", "emails from support about incidents", _incident_emails)
register("events", "what happened to your account and your connections", _events)
