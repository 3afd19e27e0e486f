"""DigitalOcean's OAuth endpoints, and `/v2/account`, which tells whose token one holds.

Facts: https://docs.digitalocean.com/reference/api/oauth/ and RFC 6749. A refresh token works once; a refresh returns
a new pair and ends the old access token at once; both live in one grant of one user for one team.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from django.conf import settings

from accounts.digitalocean import errors, wire

TIMEOUT = 8.0
"""Seconds, in total, for a call to the token endpoint. Long, because cutting a refresh off may lose its answer, and
shorter than `accounts.tokens.LEASE`, because nobody else may refresh before it is over."""


class Whose(msgspec.Struct, frozen=True):
    """The user and the team that a token acts for. `team_uuid` is empty outside a team."""

    user_uuid: str
    email: str
    team_uuid: str = ""
    team_name: str = ""

    @property
    def uid(self) -> str:
        """What allauth knows the link by: user *and* team, since a token acts for that team alone."""
        return f"{self.user_uuid}:{self.team_uuid}"


class Pair(msgspec.Struct, frozen=True):
    """What the token endpoint grants. `refresh_token` is empty, `expires_at` and `scope` None where it sent none."""

    access_token: str
    refresh_token: str
    expires_at: datetime | None
    scope: str | None
    info: Whose | None
    request_id: str

    def __repr__(self) -> str:
        return f"Pair(expires_at={self.expires_at}, scope={self.scope})"


class _Info(msgspec.Struct):
    uuid: str | None = None
    email: str | None = None
    team_uuid: str | None = None
    team_name: str | None = None


class _Team(msgspec.Struct):
    uuid: str
    name: str | None = None


class _Account(msgspec.Struct):
    uuid: str
    email: str | None = None
    team: _Team | None = None


class _AccountAnswer(msgspec.Struct):
    account: _Account


class _Grant(msgspec.Struct):
    access_token: str
    token_type: str | None = None
    refresh_token: str | None = None
    expires_in: float | None = None
    scope: str | None = None
    info: _Info | None = None


def exchange(code: str, redirect_uri: str, *, code_verifier: str = "") -> Pair:
    """Trade an authorization code for a pair (RFC 6749 §4.1.3). Raises what `_token` raises."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    if code_verifier:
        form["code_verifier"] = code_verifier
    return _token(form)


def refresh(refresh_token: str) -> Pair:
    """Trade a refresh token for a new pair (RFC 6749 §6). It works once, whether or not the answer arrives."""
    return _token({"grant_type": "refresh_token", "refresh_token": refresh_token})


def _token(form: dict[str, str]) -> Pair:
    """Raises `InvalidGrant`, `Misconfigured`, `RateLimited`, `Unavailable` and its kinds, `UnexpectedAnswer`."""
    credentials = {
        "client_id": settings.DIGITAL_OCEAN_CLIENT_ID,
        "client_secret": settings.DIGITAL_OCEAN_CLIENT_SECRET,
    }
    try:
        answer = wire.send("POST", _oauth_url("token"), timeout=TIMEOUT, form=form | credentials)
    except errors.DigitalOceanError as error:
        raise _oauth_error(error) from None
    grant = answer.decode(_Grant)
    if not _is_token(grant.access_token) or not (grant.refresh_token is None or _is_token(grant.refresh_token)):
        raise answer.unexpected("a token that is no token")
    expires_at = None
    if grant.expires_in is not None:
        if not 0 < grant.expires_in < 10 * 365 * 86400:
            raise answer.unexpected("expires_in makes no sense")
        expires_at = datetime.now(UTC) + timedelta(seconds=grant.expires_in)
    info = None
    if grant.info and grant.info.uuid:
        info = Whose(grant.info.uuid, grant.info.email or "", grant.info.team_uuid or "", grant.info.team_name or "")
    return Pair(grant.access_token, grant.refresh_token or "", expires_at, grant.scope, info, answer.request_id)


def _is_token(text: str) -> bool:
    """RFC 6750 §2.1 allows these characters; anything else would break, or break into, a header."""
    return 0 < len(text) <= 4096 and text.isascii() and all(c.isalnum() or c in "-._~+/=" for c in text)


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
    return wire.send("POST", url, timeout=timeout, token=access_token, form={"token": access_token}).request_id


def whose(access_token: str) -> Whose:
    """The user and team behind a token, from `GET /v2/account`. Raises a `DigitalOceanError`."""
    answer = wire.send("GET", f"{settings.DIGITAL_OCEAN_API_URL}/account", timeout=TIMEOUT, token=access_token)
    account = answer.decode(_AccountAnswer).account
    team = account.team or _Team("")
    for part in (account.uuid, team.uuid):
        if len(part) > 80 or ":" in part or not part.isprintable():
            raise answer.unexpected("a uuid that is none")
    if not account.uuid:
        raise answer.unexpected("an account without a uuid")
    return Whose(account.uuid, account.email or "", team.uuid, team.name or "")


def _oauth_url(endpoint: str) -> str:
    url: str = settings.DIGITAL_OCEAN_OAUTH_URL
    return f"{url}/{endpoint}"


def account_scope(scope: Any) -> str:
    """A granted scope in its one written form: words, sorted, single spaces."""
    return " ".join(sorted(set(str(scope or "").split())))
