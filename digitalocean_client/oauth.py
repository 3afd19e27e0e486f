"""DigitalOcean's OAuth endpoints, and `/v2/account`, which says whom a token belongs to.

Facts: https://docs.digitalocean.com/reference/api/oauth/ and RFC 6749. A refresh token works once. A refresh returns
a new pair and ends the old access token at once. Both belong to one grant of one user for one team.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec
from django.conf import settings

from digitalocean_client import errors, http
from digitalocean_client.answers import Answer
from digitalocean_client.decoding import UNREADABLE, convert_item, single_object
from digitalocean_client.text import clean_text

T = TypeVar("T")

TIMEOUT = 8.0
"""Seconds, in total, for a call to the token endpoint. Long, because a refresh that is cut off may lose its new pair;
shorter than `accounts.tokens.LEASE`, so that no second refresh starts before the first is over."""

_LONGEST = 10 * 365 * 86400
"""Seconds. A longer `expires_in` is taken for an error."""


class TokenOwner(msgspec.Struct, frozen=True):
    """The user and the team that a token acts for. What an answer did not have is empty, as is the team outside one."""

    user_uuid: str = ""
    email: str = ""
    team_uuid: str = ""
    team_name: str = ""
    email_verified: bool = False
    account_status: str = ""
    """What restricts the DigitalOcean account, like "locked: Please contact support."; empty for an active one."""

    @property
    def uid(self) -> str:
        """allauth's key of the connection: user *and* team, because a token acts for one team only."""
        return f"{self.user_uuid}:{self.team_uuid}"


class TokenPair(msgspec.Struct, frozen=True):
    """The token endpoint's answer. `refresh_token` is empty, `expires_at` and `scope` are None where it sent none.

    `flaw` says which fields could not be read, where a token came all the same. A pair with a flaw from `exchange` must
    not be used, but its grant is real and has to be revoked; its `access_token` may be empty, since a refresh token is
    enough for that. A pair with a flaw from `refresh` must be kept: the old refresh token no longer works.
    """

    access_token: str
    refresh_token: str
    expires_at: datetime | None
    scope: str | None
    info: TokenOwner
    request_id: str
    flaw: str = ""

    def __repr__(self) -> str:
        return f"Pair(expires_at={self.expires_at}, scope={self.scope})"


class _Info(msgspec.Struct):
    uuid: str | None = None
    email: str | None = None
    team_uuid: str | None = None
    team_name: str | None = None


class _Team(msgspec.Struct):
    uuid: str | None = None
    name: str | None = None


class _Account(msgspec.Struct):
    uuid: str
    email: str | None = None
    team: _Team | None = None
    email_verified: Any = None
    status: Any = None
    status_message: Any = None

    def restriction(self) -> str:
        """For display only, so a value of another type must not keep the team from being connected."""
        if self.status in (None, "", "active"):
            return ""
        return clean_text(f"{self.status}: {self.status_message}" if self.status_message else f"{self.status}")[:300]


def exchange(code: str, redirect_uri: str, *, code_verifier: str = "") -> TokenPair:
    """Exchange an authorization code for a pair (RFC 6749 §4.1.3), maybe one with a flaw. Raises as `_token`."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    if code_verifier:
        form["code_verifier"] = code_verifier
    return _token(form)


def refresh(refresh_token: str) -> TokenPair:
    """Exchange a refresh token for a new pair (RFC 6749 §6). It works once, even if the answer is lost."""
    pair = _token({"grant_type": "refresh_token", "refresh_token": refresh_token})
    if not pair.access_token:
        raise errors.UnexpectedAnswer(pair.flaw, request_id=pair.request_id)
    return pair


def _token(form: dict[str, str]) -> TokenPair:
    """Raises `InvalidGrant`, `Misconfigured`, `RateLimited`, `Unavailable` and its kinds, `UnexpectedAnswer`."""
    credentials = {"client_id": settings.DIGITAL_OCEAN_CLIENT_ID, "client_secret": settings.DIGITAL_OCEAN_CLIENT_SECRET}
    try:
        answer = http.send("POST", _oauth_url("token"), timeout=TIMEOUT, form=form | credentials)
    except errors.DigitalOceanError as error:
        refused = error
    else:
        return _pair(answer)
    raise _oauth_error(refused)


def _pair(answer: Answer) -> TokenPair:
    """Read the answer field by field: a field that cannot be read must not lose the token beside it."""
    found = answer.json()
    flaws = []

    def take(name: str, kind: type[T], is_valid: Callable[[T], bool]) -> T | None:
        """The field `name`; None where it is missing, null or, which is a flaw, cannot be read."""
        if found.get(name) is None:
            return None
        with suppress(*UNREADABLE):
            # Not strict, because `expires_in` may come as text. A text is never made of another type.
            value = msgspec.convert(found[name], kind, strict=False)
            if is_valid(value):
                return value
        flaws.append(f"{name} cannot be read")
        return None

    access_token = take("access_token", str, _is_token) or ""
    refresh_token = take("refresh_token", str, _is_token) or ""
    seconds = take("expires_in", float, lambda seconds: 0 < seconds < _LONGEST)
    scope = take("scope", str, _is_scope)
    if not access_token:
        flaws.append("no access token")
    if not access_token and not refresh_token:
        raise answer.unexpected(", ".join(flaws))
    info = TokenOwner()
    with suppress(*UNREADABLE):
        sent = convert_item(found.get("info"), _Info)
        info = TokenOwner(sent.uuid or "", sent.email or "", sent.team_uuid or "", sent.team_name or "")
    return TokenPair(
        access_token,
        refresh_token,
        datetime.now(UTC) + timedelta(seconds=seconds) if seconds else None,
        scope,
        info,
        answer.request_id,
        ", ".join(flaws),
    )


def _is_token(text: str) -> bool:
    """RFC 6750 §2.1 allows these characters; anything else would break, or break into, a header."""
    return 0 < len(text) <= 4096 and text.isascii() and all(c.isalnum() or c in "-._~+/=" for c in text)


def _is_scope(text: str) -> bool:
    """RFC 6749 §3.3 allows these characters. All of DigitalOcean's fine-grained scopes are some 2,500 of them."""
    return len(text) <= 10_000 and text.isascii() and text.isprintable()


_OAUTH_CODES: dict[str, type[errors.DigitalOceanError]] = {
    "invalid_grant": errors.InvalidGrant,
    "invalid_client": errors.Misconfigured,
    "unauthorized_client": errors.Misconfigured,
    "unsupported_grant_type": errors.Misconfigured,
    "invalid_scope": errors.Misconfigured,
}


def _oauth_error(error: errors.DigitalOceanError) -> errors.DigitalOceanError:
    """The error for a code of the token endpoint (RFC 6749 §5.2). Statuses mean other things there than in the API."""
    kind = _OAUTH_CODES.get(error.detail)
    if kind is None and isinstance(error, (errors.TokenRejected, errors.NotAllowed, errors.NotFound, errors.Refused)):
        # Without a code of RFC 6749 a refusal says nothing about the grant.
        kind = errors.UnexpectedAnswer
    if kind is None:
        return error
    return kind(error.detail, status=error.status, request_id=error.request_id)


def revoke(access_token: str, *, timeout: float) -> str:
    """Revoke the grant of this access token. Returns DigitalOcean's request id.

    Raises `TokenRejected` where the token no longer works; then nothing was revoked.
    """
    url = _oauth_url("revoke")
    return http.send("POST", url, timeout=timeout, token=access_token, form={"token": access_token}).request_id


def token_owner(access_token: str, info: TokenOwner | None = None) -> TokenOwner:
    """The user and team behind a token, from `GET /v2/account`. Raises a `DigitalOceanError`.

    `info` is what the token's own answer said. A field that only one of the two has contradicts nothing; a user or team
    that differs is an `UnexpectedAnswer`. UUIDs are compared without case.
    """
    answer = http.send("GET", f"{settings.DIGITAL_OCEAN_API_URL}/account", timeout=TIMEOUT, token=access_token)
    account = single_object(answer, "account", _Account)
    team, info = account.team or _Team(""), info or TokenOwner()
    if team.uuid is None and not info.team_uuid:
        raise answer.unexpected("a team without a uuid")
    owner = TokenOwner(
        account.uuid,
        account.email or info.email,
        team.uuid or info.team_uuid,
        (team.name or "").strip() or info.team_name.strip(),
        account.email_verified is True,
        account.restriction(),
    )
    for uuid, other in ((owner.user_uuid, info.user_uuid), (owner.team_uuid, info.team_uuid)):
        if other and other.casefold() != uuid.casefold():
            raise answer.unexpected("the token and the account name different users or teams")
        if len(uuid) > 80 or ":" in uuid or not uuid.isprintable():
            raise answer.unexpected("a uuid that is not valid")
    if not owner.user_uuid:
        raise answer.unexpected("an account without a uuid")
    return owner


def _oauth_url(endpoint: str) -> str:
    url: str = settings.DIGITAL_OCEAN_OAUTH_URL
    return f"{url}/{endpoint}"


def account_scope(scope: Any) -> str:
    """A granted scope as it is stored: its parts sorted, with single spaces between them."""
    return " ".join(sorted(set(str(scope or "").split())))
