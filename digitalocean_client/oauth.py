"""DigitalOcean's OAuth endpoints, and `/v2/account`, which tells whose token one holds.

Facts: https://docs.digitalocean.com/reference/api/oauth/ and RFC 6749. A refresh token works once; a refresh returns
a new pair and ends the old access token at once; both live in one grant of one user for one team.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec
from django.conf import settings

from digitalocean_client import errors, http
from digitalocean_client.text import Text

T = TypeVar("T")

TIMEOUT = 8.0
"""Seconds, in total, for a call to the token endpoint. Long, because cutting a refresh off may lose its answer, and
shorter than `accounts.tokens.LEASE`, because nobody else may refresh before it is over."""

_LONGEST = 10 * 365 * 86400
"""Seconds. A token that is said to live longer is not taken at its word."""


class TokenOwner(msgspec.Struct, frozen=True):
    """The user and the team that a token acts for. `team_uuid` is empty outside a team."""

    user_uuid: str
    email: str
    team_uuid: str = ""
    team_name: str = ""

    @property
    def uid(self) -> str:
        """What allauth knows the link by: user *and* team, since a token acts for that team alone."""
        return f"{self.user_uuid}:{self.team_uuid}"


class TokenPair(msgspec.Struct, frozen=True):
    """What the token endpoint grants. `refresh_token` is empty, `expires_at` and `scope` None where it sent none.

    `flaw` says what is wrong with the rest of an answer that held a token nevertheless. A code's pair with a flaw is
    not to be used, but it is a grant that lives, and has to be given back; in it `access_token` may be empty, since a
    refresh token alone is enough for that. A refreshed pair with a flaw is all there is: its old one is spent.
    """

    access_token: str
    refresh_token: str
    expires_at: datetime | None
    scope: str | None
    info: TokenOwner | None
    request_id: str
    flaw: str = ""

    def __repr__(self) -> str:
        return f"Pair(expires_at={self.expires_at}, scope={self.scope})"


class _Info(msgspec.Struct):
    uuid: str | None = None
    email: str | None = None
    team_uuid: str | None = None
    team_name: str | None = None

    def whose(self) -> TokenOwner | None:
        if not self.uuid:
            return None
        return TokenOwner(self.uuid, self.email or "", self.team_uuid or "", self.team_name or "")


class _Team(msgspec.Struct):
    uuid: str
    name: str | None = None


class _Account(msgspec.Struct):
    uuid: str
    email: str | None = None
    team: _Team | None = None


class _AccountAnswer(msgspec.Struct):
    account: _Account


def exchange(code: str, redirect_uri: str, *, code_verifier: str = "") -> TokenPair:
    """Trade an authorization code for a pair (RFC 6749 §4.1.3), maybe one with a flaw. Raises what `_token` raises."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    if code_verifier:
        form["code_verifier"] = code_verifier
    return _token(form)


def refresh(refresh_token: str) -> TokenPair:
    """Trade a refresh token for a new pair (RFC 6749 §6). It works once, whether or not the answer arrives."""
    pair = _token({"grant_type": "refresh_token", "refresh_token": refresh_token})
    if not pair.access_token:
        raise errors.UnexpectedAnswer(pair.flaw, request_id=pair.request_id)
    return pair


def _token(form: dict[str, str]) -> TokenPair:
    """Raises `InvalidGrant`, `Misconfigured`, `RateLimited`, `Unavailable` and its kinds, `UnexpectedAnswer`."""
    credentials = {
        "client_id": settings.DIGITAL_OCEAN_CLIENT_ID,
        "client_secret": settings.DIGITAL_OCEAN_CLIENT_SECRET,
    }
    try:
        answer = http.send("POST", _oauth_url("token"), timeout=TIMEOUT, form=form | credentials)
    except errors.DigitalOceanError as error:
        refused = error
    else:
        return _pair(answer)
    raise _oauth_error(refused)


def _pair(answer: http.Answer) -> TokenPair:
    """Field by field: one that makes no sense must not lose the token that came beside it."""
    found = answer.decode(dict[str, Any])
    flaws = []

    def take(name: str, read: Callable[[Any], T | None], good: Callable[[T], bool] = bool) -> T | None:
        """The field `name` through `read`; None where it is missing, null or, which is a flaw, makes no sense."""
        if found.get(name) is None:
            return None
        with suppress(msgspec.ValidationError):
            value = read(found[name])
            if value is not None and good(value):
                return value
        flaws.append(f"{name} makes no sense")
        return None

    access_token = take("access_token", _text, _is_token) or ""
    refresh_token = take("refresh_token", _text, _is_token) or ""
    seconds = take("expires_in", _number, lambda seconds: 0 < seconds < _LONGEST)
    scope = take("scope", _text, _is_scope)
    info = take("info", lambda value: msgspec.convert(value, _Info), lambda _: True)
    if not access_token:
        flaws.append("no access token")
    if not access_token and not refresh_token:
        raise answer.unexpected(", ".join(flaws))
    return TokenPair(
        access_token,
        refresh_token,
        datetime.now(UTC) + timedelta(seconds=seconds) if seconds else None,
        scope,
        info.whose() if info else None,
        answer.request_id,
        ", ".join(flaws),
    )


def _text(value: Any) -> str:
    return msgspec.convert(value, str)


def _number(value: Any) -> float:
    return msgspec.convert(value, float)


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
    """The token endpoint's errors mean other things than the API's (RFC 6749 §5.2): told by their code."""
    kind = _OAUTH_CODES.get(error.detail)
    if kind is None and isinstance(error, (errors.TokenRejected, errors.NotAllowed, errors.NotFound, errors.Refused)):
        # A refusal without a code of RFC 6749 says nothing about the grant.
        kind = errors.UnexpectedAnswer
    if kind is None:
        return error
    return kind(error.detail, status=error.status, request_id=error.request_id)


def revoke(access_token: str, *, timeout: float) -> str:
    """End the grant of this access token. Returns DigitalOcean's request id.

    Raises `TokenRejected` when the token does not work any more (which ends nothing that still lived otherwise).
    """
    url = _oauth_url("revoke")
    return http.send("POST", url, timeout=timeout, token=access_token, form={"token": access_token}).request_id


def token_owner(access_token: str) -> TokenOwner:
    """The user and team behind a token, from `GET /v2/account`. Raises a `DigitalOceanError`."""
    answer = http.send("GET", f"{settings.DIGITAL_OCEAN_API_URL}/account", timeout=TIMEOUT, token=access_token)
    account = answer.decode(_AccountAnswer).account
    team = account.team or _Team("")
    for part in (account.uuid, team.uuid):
        if len(part) > 80 or ":" in part or not part.isprintable():
            raise answer.unexpected("a uuid that is none")
    if not account.uuid:
        raise answer.unexpected("an account without a uuid")
    return TokenOwner(account.uuid, Text(account.email or ""), team.uuid, Text(team.name or ""))


def _oauth_url(endpoint: str) -> str:
    url: str = settings.DIGITAL_OCEAN_OAUTH_URL
    return f"{url}/{endpoint}"


def account_scope(scope: Any) -> str:
    """A granted scope in its one written form: words, sorted, single spaces."""
    return " ".join(sorted(set(str(scope or "").split())))
