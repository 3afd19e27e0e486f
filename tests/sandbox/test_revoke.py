"""Revocation by the application and by the user."""

from __future__ import annotations

from typing import Any

import requests

from tests.support.sandbox import Sandbox


def revoke(sandbox: Sandbox, bearer: str, **form: str) -> requests.Response:
    return requests.post(
        f"{sandbox.oauth_url}/revoke", data=form, headers={"Authorization": f"Bearer {bearer}"}, timeout=10
    )


def has_ended(sandbox: Sandbox, pair: dict[str, Any]) -> bool:
    access = sandbox.get("/v2/account", pair["access_token"]).status_code == 401
    return access and not sandbox.refresh(pair["refresh_token"]).ok


def test_revoking_ends_both_tokens_and_answers_an_empty_object(sandbox: Sandbox) -> None:
    pair = sandbox.connect()

    answer = revoke(sandbox, pair["access_token"], token=pair["access_token"])

    assert (answer.status_code, answer.json()) == (200, {})
    assert has_ended(sandbox, pair)
    assert [grant.revoked for grant in sandbox.ledger()] == [True]
    assert sandbox.live_grants() == []


def test_revoking_leaves_sibling_grants_alone_unless_switched(sandbox: Sandbox) -> None:
    first, second, third = (sandbox.connect(team="Northwind") for _ in range(3))
    other_team, other_user = sandbox.connect(team="Acme Web"), sandbox.connect(user="grace", team="Northwind")

    revoke(sandbox, first["access_token"], token=first["access_token"])
    assert sandbox.get("/v2/account", third["access_token"]).ok

    sandbox.settings(revoke_kills_siblings=True)
    revoke(sandbox, second["access_token"], token=second["access_token"])
    assert has_ended(sandbox, third)
    assert not has_ended(sandbox, other_team)
    assert not has_ended(sandbox, other_user)


def test_only_a_working_token_may_revoke(sandbox: Sandbox) -> None:
    pair = sandbox.connect()

    assert revoke(sandbox, "nonsense", token=pair["access_token"]).status_code == 401
    assert requests.post(f"{sandbox.oauth_url}/revoke", timeout=10).status_code == 401
    sandbox.expire()
    assert revoke(sandbox, pair["access_token"], token=pair["access_token"]).status_code == 401
    assert sandbox.refresh(pair["refresh_token"]).ok


def test_a_token_cannot_revoke_another_grant(sandbox: Sandbox) -> None:
    mine, another = sandbox.connect(team="Acme Web"), sandbox.connect(team="Northwind")

    answer = revoke(sandbox, mine["access_token"], token=another["access_token"])

    assert (answer.status_code, answer.json()) == (200, {})
    assert not has_ended(sandbox, another)


def test_the_token_must_be_named(sandbox: Sandbox) -> None:
    pair = sandbox.connect()

    assert revoke(sandbox, pair["access_token"]).json()["error"] == "invalid_request"
    assert not has_ended(sandbox, pair)


def test_the_person_can_revoke_in_the_panel(sandbox: Sandbox) -> None:
    acme, northwind = sandbox.connect(team="Acme Web"), sandbox.connect(team="Northwind")
    grace = sandbox.connect(user="grace", team="Northwind")

    assert sandbox.revoke(team="Northwind", user="ada") == 1

    assert has_ended(sandbox, northwind)
    assert not has_ended(sandbox, acme)
    assert not has_ended(sandbox, grace)


def test_expiring_ends_access_tokens_alone(sandbox: Sandbox) -> None:
    acme, northwind = sandbox.connect(team="Acme Web"), sandbox.connect(team="Northwind")

    assert sandbox.expire(team="Acme Web") == 1

    assert sandbox.get("/v2/account", acme["access_token"]).status_code == 401
    assert sandbox.get("/v2/account", northwind["access_token"]).ok
    assert sandbox.refresh(acme["refresh_token"]).ok
