"""What holds for every callback that is refused; and where the sandbox's faults have to be put for it."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from tests.support.pages import says
from tests.support.sandbox import Sandbox
from tests.support.stored import Stored, stray_grants

PATH = "/accounts/digitalocean/login/callback/"
EXCHANGE: dict[str, Any] = {"path": "^/v1/oauth/token$", "grant_type": "authorization_code"}
ACCOUNT: dict[str, Any] = {"path": "^/v2/account$"}
REVOKE: dict[str, Any] = {"path": "^/v1/oauth/revoke$"}


def assert_refused(answer: HttpResponse, before: Stored, sandbox: Sandbox, *sentences: str) -> None:
    """A page that says what happened; nothing stored has changed; no grant is left alive and unowed."""
    assert 400 <= answer.status_code < 600
    assert answer.status_code != 500
    assert says(answer, *sentences)
    assert Stored.now() == before
    assert stray_grants(sandbox) == []
