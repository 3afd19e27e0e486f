"""What is stored about people and their teams, for tests to compare; and whether DigitalOcean's books agree with it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from allauth.socialaccount.models import SocialAccount, SocialToken
from django.contrib.sessions.models import Session
from django.test import Client

from accounts import revocations
from accounts.encryption import decrypt
from accounts.models import Connection, Revocation, User
from tests.support.sandbox import Sandbox
from tests.support.sandbox_rows import Grant

SECRETS = ("doo_v1_", "dor_v1_", "gAAAA")
"""How access tokens, refresh tokens and encrypted texts begin."""


@dataclass(frozen=True)
class Stored:
    """All that a refused callback has to leave as it was, to the byte.

    Of a SocialAccount only what decides something: allauth notes the time and the names of every look-up in it.
    """

    users: list[Any]
    accounts: list[Any]
    tokens: list[Any]
    connections: list[Any]

    @classmethod
    def now(cls) -> Stored:
        return cls(
            users=list(User.objects.order_by("pk").values("pk", "email", "password", "is_active")),
            accounts=list(SocialAccount.objects.order_by("pk").values("pk", "provider", "uid", "user_id")),
            tokens=list(SocialToken.objects.order_by("pk").values()),
            connections=list(Connection.objects.order_by("pk").values()),
        )


def kept_pairs() -> list[tuple[str, str]]:
    """The pairs of all connections, opened."""
    return [
        (
            decrypt(token.token, field="token", uid=token.account.uid),
            decrypt(token.token_secret, field="token_secret", uid=token.account.uid),
        )
        for token in SocialToken.objects.select_related("account")
    ]


def queued_pairs() -> list[tuple[str, str]]:
    """The decrypted pairs of all pending and queued grants."""
    return [revocations.decrypt_pair(row) for row in Revocation.objects.all()]


def stray_grants(sandbox: Sandbox) -> list[Grant]:
    """Grants that are valid at DigitalOcean although Conveyor neither stores them nor will revoke them."""
    known = {token for pair in (*kept_pairs(), *queued_pairs()) for token in pair if token}
    return [grant for grant in sandbox.live_grants() if not {grant.access_token, grant.refresh_token} & known]


def session_of(client: Client) -> dict[str, Any]:
    """Everything in a browser's session."""
    return dict(client.session.items())


def secrets_in(texts: Iterable[object]) -> list[str]:
    """Whatever looks like a token, encrypted or not, in any of these."""
    whole = "\n".join(text if isinstance(text, str) else json.dumps(text, default=str) for text in texts)
    return [mark for mark in SECRETS if mark in whole]


def all_sessions() -> list[dict[str, Any]]:
    """The decoded contents of the whole session table."""
    return [dict(row.get_decoded()) for row in Session.objects.all()]
