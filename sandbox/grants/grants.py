"""Authorization codes, grants and token pairs. Everything is in the SQLite file; nothing is cached.

A *grant* is one consent of one user, for one team and one client. A *pair* is an access token with the refresh
token that came with it; a refresh adds a pair to its grant.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import sqlite3
import time
from dataclasses import dataclass

from sandbox.grants import scopes
from sandbox.grants.errors import invalid_grant
from sandbox.settings import Settings
from sandbox.store import Store

CODE_LIFE = 600  # seconds


@dataclass(frozen=True, slots=True)
class Grant:
    """One consent. An empty `team_uuid` is a grant without a team."""

    id: int
    client_id: str
    user_uuid: str
    team_uuid: str
    scope: str
    created_at: float


@dataclass(frozen=True, slots=True)
class TokenPair:
    """A new access token and its refresh token. `expires_at` is the access token's, in seconds since the epoch."""

    access_token: str
    refresh_token: str
    expires_at: float
    grant: Grant


def new_code(
    store: Store,
    client_id: str,
    redirect_uri: str,
    user_uuid: str,
    team_uuid: str,
    scope: str,
    challenge: str,
) -> str:
    """A code for one exchange, valid for ten minutes. `challenge` is the PKCE S256 challenge, or empty."""
    code = secrets.token_hex(32)
    store.run(
        "INSERT INTO codes (code, client_id, redirect_uri, user_uuid, team_uuid, scope, challenge, expires_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        code, client_id, redirect_uri, user_uuid, team_uuid, scope, challenge, time.time() + CODE_LIFE,
    )  # fmt: skip
    return code


def exchange(
    store: Store, settings: Settings, client_id: str, code: str, redirect_uri: str, verifier: str
) -> TokenPair:
    """Exchange a code for a token pair.

    Raises OAuthError for another client's or callback's code, a used or expired one, or a wrong verifier.
    """
    with store.transaction():
        row = store.first("SELECT * FROM codes WHERE code = ?", code)
        if (
            row is None
            or row["client_id"] != client_id
            or row["redirect_uri"] != redirect_uri
            or row["used"]
            or row["expires_at"] <= time.time()
            or not _verifier_matches(row["challenge"], verifier)
        ):
            raise invalid_grant()
        store.run("UPDATE codes SET used = 1 WHERE code = ?", code)
        if settings.new_grant_kills_older:
            store.run(
                "UPDATE grants SET revoked = 1 WHERE client_id = ? AND user_uuid = ? AND team_uuid = ?",
                client_id, row["user_uuid"], row["team_uuid"],
            )  # fmt: skip
        grant_id = store.add(
            "INSERT INTO grants (client_id, user_uuid, team_uuid, scope, created_at) VALUES (?, ?, ?, ?, ?)",
            client_id, row["user_uuid"], row["team_uuid"], row["scope"], time.time(),
        )  # fmt: skip
        return _new_pair(store, settings, grant_id)


def refresh(store: Store, settings: Settings, client_id: str, refresh_token: str) -> TokenPair:
    """Exchange a refresh token for a new pair. The old access token stops working. Raises OAuthError."""
    with store.transaction():
        row = store.first(
            "SELECT p.id AS pair_id, g.id AS grant_id FROM pairs p JOIN grants g ON g.id = p.grant_id "
            "WHERE p.refresh_token = ? AND g.client_id = ? AND g.revoked = 0 AND p.refresh_used = 0",
            refresh_token, client_id,
        )  # fmt: skip
        if row is None:
            raise invalid_grant()
        store.run(
            "UPDATE pairs SET refresh_used = 1, access_dead = ? WHERE id = ?",
            0 if settings.access_outlives_refresh else 1, row["pair_id"],
        )  # fmt: skip
        store.run("UPDATE grants SET refreshed = refreshed + 1 WHERE id = ?", row["grant_id"])
        return _new_pair(store, settings, row["grant_id"])


def find_by_access_token(store: Store, access_token: str, *, live: bool) -> tuple[Grant, float] | None:
    """The grant of an access token, and when the token expires. With `live`, only tokens that still work are found."""
    row = store.first(
        "SELECT g.*, p.access_expires_at, p.access_dead FROM pairs p JOIN grants g ON g.id = p.grant_id "
        "WHERE p.access_token = ?",
        access_token,
    )
    if row is None or (live and (row["revoked"] or row["access_dead"] or row["access_expires_at"] <= time.time())):
        return None
    return _grant(row), float(row["access_expires_at"])


def find_by_refresh_token(store: Store, refresh_token: str) -> Grant | None:
    """The grant of a refresh token, whether the token still works or not."""
    row = store.first(
        "SELECT g.* FROM pairs p JOIN grants g ON g.id = p.grant_id WHERE p.refresh_token = ?", refresh_token
    )
    return None if row is None else _grant(row)


def team_for_code(store: Store, code: str) -> str | None:
    """The uuid of the team that a code was issued for."""
    row = store.first("SELECT team_uuid FROM codes WHERE code = ?", code)
    return None if row is None else str(row["team_uuid"])


def find_consent(store: Store, client_id: str, user_uuid: str, scope: str) -> Grant | None:
    """The user's latest grant to the client that is not revoked and covers `scope`."""
    rows = store.all(
        "SELECT * FROM grants WHERE client_id = ? AND user_uuid = ? AND revoked = 0 ORDER BY id DESC",
        client_id, user_uuid,
    )  # fmt: skip
    return next((_grant(row) for row in rows if scopes.covers(row["scope"], scope)), None)


def revoke(store: Store, settings: Settings, grant: Grant, token: str) -> None:
    """Revoke `grant` if `token` is one of its tokens. Any other token is ignored."""
    row = store.first("SELECT grant_id FROM pairs WHERE ? IN (access_token, refresh_token)", token)
    if row is None or row["grant_id"] != grant.id:
        return
    store.run("UPDATE grants SET revoked = 1 WHERE id = ?", grant.id)
    if settings.revoke_kills_siblings:
        store.run(
            "UPDATE grants SET revoked = 1 WHERE client_id = ? AND user_uuid = ? AND team_uuid = ?",
            grant.client_id, grant.user_uuid, grant.team_uuid,
        )  # fmt: skip


def revoke_all(store: Store, team: str | None, user: str | None) -> int:
    """Revoke the grants of a team, of a user, or all, as users do in the control panel. Returns how many."""
    return store.run(
        "UPDATE grants SET revoked = 1 WHERE revoked = 0 "
        "AND coalesce(?, team_uuid) = team_uuid AND coalesce(?, user_uuid) = user_uuid",
        team, user,
    )  # fmt: skip


def expire_all(store: Store, team: str | None, user: str | None) -> int:
    """Let access tokens expire now; refresh tokens stay valid. Returns how many expired."""
    now = time.time()
    return store.run(
        "UPDATE pairs SET access_expires_at = ? WHERE access_dead = 0 AND access_expires_at > ? AND grant_id IN "
        "(SELECT id FROM grants WHERE revoked = 0 "
        "AND coalesce(?, team_uuid) = team_uuid AND coalesce(?, user_uuid) = user_uuid)",
        now - 1, now, team, user,
    )  # fmt: skip


def ledger(store: Store) -> list[dict[str, object]]:
    """Every grant with its latest pair, for tests to compare with what an application has stored."""
    now = time.time()
    rows = store.all(
        "SELECT g.*, p.access_token, p.refresh_token, p.access_expires_at, p.access_dead, p.refresh_used "
        "FROM grants g JOIN pairs p ON p.id = (SELECT max(id) FROM pairs WHERE grant_id = g.id) ORDER BY g.id"
    )
    return [
        {
            "grant": row["id"],
            "client_id": row["client_id"],
            "user_uuid": row["user_uuid"],
            "team_uuid": row["team_uuid"],
            "scope": row["scope"],
            "access_token": row["access_token"],
            "refresh_token": row["refresh_token"],
            "access_expires_at": row["access_expires_at"],
            "access_live": not row["revoked"] and not row["access_dead"] and row["access_expires_at"] > now,
            "refresh_live": not row["revoked"] and not row["refresh_used"],
            "revoked": bool(row["revoked"]),
            "created_at": row["created_at"],
            "refreshed": row["refreshed"],
        }
        for row in rows
    ]


def pairs(store: Store) -> list[dict[str, object]]:
    """Every pair ever issued, without the tokens, oldest first: when it was issued, and until when it was to work."""
    rows = store.all("SELECT grant_id, created_at, access_expires_at, refresh_used FROM pairs ORDER BY id")
    return [
        {
            "grant": row["grant_id"],
            "created_at": row["created_at"],
            "access_expires_at": row["access_expires_at"],
            "refreshed": bool(row["refresh_used"]),
        }
        for row in rows
    ]


def _new_pair(store: Store, settings: Settings, grant_id: int) -> TokenPair:
    now = time.time()
    access, refreshing = f"doo_v1_{secrets.token_hex(32)}", f"dor_v1_{secrets.token_hex(32)}"
    expires_at = now + settings.token_lifetime
    store.run(
        "INSERT INTO pairs (grant_id, access_token, refresh_token, access_expires_at, created_at) "
        "VALUES (?, ?, ?, ?, ?)",
        grant_id, access, refreshing, expires_at, now,
    )  # fmt: skip
    return TokenPair(access, refreshing, expires_at, _grant(store.one("SELECT * FROM grants WHERE id = ?", grant_id)))


def _verifier_matches(challenge: str, verifier: str) -> bool:
    """Check PKCE with S256 (RFC 7636 section 4.6). A verifier without a challenge is refused too."""
    if not challenge:
        return not verifier
    digest = hashlib.sha256(verifier.encode()).digest()
    return hmac.compare_digest(base64.urlsafe_b64encode(digest).rstrip(b"="), challenge.encode())


def _grant(row: sqlite3.Row) -> Grant:
    return Grant(row["id"], row["client_id"], row["user_uuid"], row["team_uuid"], row["scope"], row["created_at"])
