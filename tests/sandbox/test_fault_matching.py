"""Which requests a fault applies to, when it takes effect, and invalid faults."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
import requests

from tests.support.sandbox import Sandbox


@pytest.fixture
def pair(sandbox: Sandbox) -> dict[str, Any]:
    return sandbox.connect(team="Acme Web")


@pytest.fixture
def token(pair: dict[str, Any]) -> str:
    return str(pair["access_token"])


def test_phase_before_has_no_effect(sandbox: Sandbox, pair: dict[str, Any]) -> None:
    sandbox.fault("status", grant_type="refresh_token", status=500, times=1)

    assert sandbox.refresh(pair["refresh_token"]).status_code == 500
    assert sandbox.ledger()[0].refreshed == 0
    assert sandbox.refresh(pair["refresh_token"]).ok


@pytest.mark.parametrize(
    ("kind", "more"),
    [("status", {"status": 500}), ("hang", {"seconds": 0.1}), ("reset", {}), ("html", {}), ("empty", {})],
)
def test_phase_after_takes_effect(sandbox: Sandbox, pair: dict[str, Any], kind: str, more: dict[str, Any]) -> None:
    sandbox.fault(kind, grant_type="refresh_token", phase="after", times=1, **more)

    with suppress(requests.ConnectionError):
        sandbox.refresh(pair["refresh_token"])

    (grant,) = sandbox.ledger()
    assert grant.refreshed == 1
    assert grant.refresh_token != pair["refresh_token"]
    assert sandbox.get("/v2/account", pair["access_token"]).status_code == 401
    assert sandbox.refresh(pair["refresh_token"]).json()["error"] == "invalid_grant"
    assert sandbox.counters().refreshes == {grant.grant: 1}


@pytest.mark.parametrize("kind", ["drip", "truncate", "patch"])
def test_faults_that_change_the_response_take_effect(sandbox: Sandbox, pair: dict[str, Any], kind: str) -> None:
    sandbox.fault(kind, grant_type="refresh_token", **({"bytes_per_second": 5_000} if kind == "drip" else {}))

    try:
        sandbox.refresh(pair["refresh_token"])
    except requests.exceptions.ChunkedEncodingError:
        assert kind == "truncate"

    assert sandbox.ledger()[0].refreshed == 1


def test_a_fault_matches_its_requests(sandbox: Sandbox, token: str) -> None:
    northwind = sandbox.connect(team="Northwind")["access_token"]
    sandbox.fault("status", path="^/v2/droplets$", team="Northwind", page=2, type="gpus", status=503)

    def status(bearer: str, **query: Any) -> int:
        return sandbox.get("/v2/droplets", bearer, **query).status_code

    assert status(northwind, page=2, type="gpus") == 503
    assert status(northwind, page=1, type="gpus") == 200
    assert status(northwind, page=2) == 200
    assert status(token, page=2, type="gpus") == 200


def test_a_fault_on_the_token_endpoint_matches_team_and_grant_type(sandbox: Sandbox, pair: dict[str, Any]) -> None:
    northwind = sandbox.connect(team="Northwind")
    sandbox.fault("status", path="/token", method="POST", grant_type="refresh_token", team="Northwind", status=503)

    assert sandbox.refresh(northwind["refresh_token"]).status_code == 503
    assert sandbox.refresh(pair["refresh_token"]).ok
    assert sandbox.connect(team="Northwind")


def test_skip_and_times_limit_a_fault(sandbox: Sandbox, token: str) -> None:
    fault = sandbox.fault("status", path="/v2/account", status=503, skip=1, times=2)

    assert [sandbox.get("/v2/account", token).status_code for _ in range(5)] == [200, 503, 503, 200, 200]
    assert sandbox.hits(fault) == 2
    assert sandbox.faults()[0]["seen"] == 5


def test_the_first_fault_that_is_not_used_up_applies(sandbox: Sandbox, token: str) -> None:
    sandbox.fault("status", path="/v2/account", status=500, times=1)
    sandbox.fault("status", path="/v2/", status=503)

    assert [sandbox.get("/v2/account", token).status_code for _ in range(2)] == [500, 503]


def test_faults_can_be_removed(sandbox: Sandbox, token: str) -> None:
    first, _ = sandbox.fault("status", status=500), sandbox.fault("status", status=503)

    sandbox.clear_faults(first)
    assert sandbox.get("/v2/account", token).status_code == 503
    sandbox.clear_faults()
    assert sandbox.get("/v2/account", token).ok
    with pytest.raises(ValueError, match="could not be found"):
        sandbox.clear_faults(first)


def test_faults_do_not_apply_to_control_calls(sandbox: Sandbox) -> None:
    sandbox.fault("status", path=".*", status=500)

    assert sandbox.teams()
    assert sandbox.counters().total == 0


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"kind": "fire"}, "kind must be one of status, hang"),
        ({"kind": "status"}, "needs status"),
        ({"kind": "status", "status": "500"}, "status must be int"),
        ({"kind": "status", "status": 99}, "status cannot be 99"),
        ({"kind": "hang", "second": 3}, "does not take 'second'"),
        ({"kind": "reset", "path": "("}, "regular expression"),
        ({"kind": "reset", "phase": "during"}, "before or after"),
        ({"kind": "drip", "bytes_per_second": 0}, "bytes_per_second cannot be 0"),
        ({"kind": "reset", "times": True}, "times must be int"),
    ],
)
def test_an_invalid_fault_is_refused(sandbox: Sandbox, spec: dict[str, Any], sentence: str) -> None:
    answer = requests.post(f"{sandbox.url}/_sandbox/faults", json=spec, timeout=10)

    assert answer.status_code == 422
    assert sentence in answer.json()["message"]
    assert sandbox.faults() == []
