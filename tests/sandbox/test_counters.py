"""Counters, the list of grants and the request log."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.support.sandbox import Sandbox


def test_requests_are_counted_by_endpoint_and_team(sandbox: Sandbox) -> None:
    acme, northwind = sandbox.connect(team="Acme Web"), sandbox.connect(team="Northwind")
    sandbox.reset_counters()

    sandbox.get("/v2/account", acme["access_token"])
    sandbox.get("/v2/droplets/", acme["access_token"])
    sandbox.get("/v2/droplets/1", northwind["access_token"])
    sandbox.refresh(northwind["refresh_token"])
    sandbox.refresh("dor_v1_nonsense")

    counters = sandbox.counters()
    assert counters.by_endpoint == {
        "GET /v2/account": 1,
        "GET /v2/droplets": 1,
        "GET /v2/droplets/{droplet_id}": 1,
        "POST /v1/oauth/token refresh_token": 2,
    }
    assert counters.by_status == {
        "GET /v2/account 200": 1,
        "GET /v2/droplets 200": 1,
        "GET /v2/droplets/{droplet_id} 404": 1,
        "POST /v1/oauth/token refresh_token 200": 1,
        "POST /v1/oauth/token refresh_token 400": 1,
    }
    assert counters.by_team == {sandbox.team("Acme Web").uuid: 2, sandbox.team("Northwind").uuid: 2}
    assert counters.total == 5
    assert counters.refresh_requests == 2
    assert counters.refreshes == {2: 1}


def test_what_runs_at_once_is_counted(sandbox: Sandbox) -> None:
    pair = sandbox.connect()
    sandbox.settings(latency_ms=300)

    with ThreadPoolExecutor(8) as pool:
        refreshes = list(pool.map(sandbox.refresh, [pair["refresh_token"]] * 5))
        list(pool.map(lambda _: sandbox.get("/v2/account", "nonsense"), range(8)))

    counters = sandbox.counters()
    assert sorted(answer.status_code for answer in refreshes) == [200, 400, 400, 400, 400]
    assert counters.refreshes == {1: 1}
    assert counters.refreshes_at_once_max[1] > 1
    assert counters.in_flight_max["GET /v2/account"] > 1


def test_latency_applies_to_the_api_and_not_to_the_consent_page(sandbox: Sandbox) -> None:
    sandbox.settings(latency_ms=400)

    page = sandbox.browser.get(sandbox.authorize_url(), timeout=10)
    answer = sandbox.get("/v2/account")

    assert page.elapsed.total_seconds() < 0.4 <= answer.elapsed.total_seconds()


def test_the_ledger_has_every_grant_with_its_latest_pair(sandbox: Sandbox) -> None:
    first = sandbox.connect(team="Northwind", scope="read write")
    second = sandbox.connect(user="linus")
    renewed = sandbox.refresh(first["refresh_token"]).json()

    one, two = sandbox.ledger()

    assert (one.access_token, one.refresh_token) == (renewed["access_token"], renewed["refresh_token"])
    assert (one.user_uuid, one.team_uuid) == (sandbox.user("ada").uuid, sandbox.team("Northwind").uuid)
    assert (one.client_id, one.scope, one.refreshed) == ("sandbox-client", "read write", 1)
    assert (two.access_token, two.team_uuid) == (second["access_token"], "")
    assert (one.access_live, one.refresh_live, one.revoked) == (True, True, False)
    assert one.access_expires_at - one.created_at > 2_591_990

    sandbox.expire(team="Northwind")
    assert (sandbox.ledger()[0].access_live, sandbox.ledger()[0].refresh_live) == (False, True)
    sandbox.revoke(user="ada")
    assert sandbox.live_grants() == [two]


def test_every_pair_that_was_issued_is_listed_without_its_tokens(sandbox: Sandbox) -> None:
    pair = sandbox.connect()
    sandbox.refresh(pair["refresh_token"])

    first, second = sandbox.pairs()

    assert (first.grant, first.refreshed, second.grant, second.refreshed) == (1, True, 1, False)
    assert first.created_at <= second.created_at < second.access_expires_at


def test_an_answer_that_never_came_is_counted(sandbox: Sandbox) -> None:
    pair = sandbox.connect()
    sandbox.reset_counters()
    sandbox.fault("reset", path="/v2/account", times=1)
    with pytest.raises(requests.ConnectionError):
        sandbox.get("/v2/account", pair["access_token"])

    assert sandbox.counters().by_status == {"GET /v2/account none": 1}


def test_the_log_has_requests_without_secrets(sandbox: Sandbox) -> None:
    pair = sandbox.connect()
    sandbox.fault("reset", path="/v2/droplets", times=1)
    answer = sandbox.get("/v2/account", pair["access_token"], page=2, code="hush")

    entry = sandbox.recent_requests()[-1]

    assert entry == {
        "method": "GET",
        "path": "/v2/account?page=2&code=***",
        "status": 200,
        "fault": None,
        "request_id": answer.headers["x-request-id"],
    }
    assert "doo_v1_" not in str(sandbox.recent_requests())


def test_the_log_keeps_a_thousand(sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: sandbox.get("/v2/account"), range(1_010)))

    assert len(sandbox.recent_requests()) == 1_000
