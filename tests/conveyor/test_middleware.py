"""Pages of a logged-in user are stored nowhere."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.support.person import Person


@pytest.mark.parametrize(
    "path", ["/accounts/2fa/totp/activate/", "/accounts/settings/", "/accounts/3rdparty/", "/droplets/", "/nothing/"]
)
def test_no_page_of_a_logged_in_user_is_stored(alice: Person, path: str) -> None:
    assert "no-store" in alice.client.get(path)["Cache-Control"]


def test_recovery_codes_are_not_stored(alice: Person) -> None:
    answer = alice.client.post("/accounts/2fa/recovery-codes/generate/")

    assert "no-store" in answer["Cache-Control"]


def test_a_page_without_a_user_may_be_stored(db: None) -> None:
    assert "no-store" not in Client().get("/").headers.get("Cache-Control", "")
