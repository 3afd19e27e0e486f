"""Registered OAuth clients and their callback URLs."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from urllib.parse import unquote_plus, urlsplit

from sandbox.grants.errors import invalid_client
from sandbox.store import Store

CALLBACK_PATH = "/accounts/digitalocean/login/callback/"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def register(store: Store, client_id: str, secret: str, name: str, redirect_uris: tuple[str, ...]) -> None:
    """Add or update a client. Without redirect URIs, any loopback address with the path CALLBACK_PATH is allowed."""
    store.run(
        "INSERT INTO clients (id, secret, name, redirect_uris) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE "
        "SET secret = excluded.secret, name = excluded.name, redirect_uris = excluded.redirect_uris",
        client_id, secret, name, json.dumps(redirect_uris),
    )  # fmt: skip


def name_of(store: Store, client_id: str) -> str | None:
    """The client's name for the consent page, or None when the client is not registered."""
    row = store.first("SELECT name FROM clients WHERE id = ?", client_id)
    return None if row is None else str(row["name"])


def is_registered_callback(store: Store, client_id: str, uri: str) -> bool:
    """Whether `uri` is a callback URL of the client: it must equal a registered one exactly."""
    registered: list[str] = json.loads(store.one("SELECT redirect_uris FROM clients WHERE id = ?", client_id)[0])
    if registered:
        return uri in registered
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    return (
        uri.isascii()
        and uri.isprintable()  # urlsplit ignores line breaks, but a Location header must not have any
        and "@" not in parts.netloc
        and parts.scheme == "http"
        and host in LOOPBACK
        and parts.path.endswith(CALLBACK_PATH)
        and not parts.query
        and not parts.fragment
    )


def authenticate(store: Store, authorization: str, parameters: Mapping[str, str]) -> str:
    """The id of the client that sent a request, by HTTP Basic or by parameters (RFC 6749 section 2.3.1).

    Raises OAuthError for an unknown client or a wrong secret.
    """
    client_id, secret = parameters.get("client_id", ""), parameters.get("client_secret", "")
    if authorization.lower().startswith("basic "):
        client_id, secret = _basic(authorization[6:])
    row = store.first("SELECT secret FROM clients WHERE id = ?", client_id)
    if row is None or not hmac.compare_digest(row["secret"].encode(), secret.encode()):
        raise invalid_client()
    return client_id


def _basic(encoded: str) -> tuple[str, str]:
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError as error:  # neither ASCII, nor base64, nor UTF-8
        raise invalid_client() from error
    return unquote_plus(client_id), unquote_plus(secret)
