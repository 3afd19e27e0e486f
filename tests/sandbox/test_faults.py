"""Faults: each kind does what it says, to the requests that it is meant for."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.support.sandbox import Sandbox


@pytest.fixture
def pair(sandbox: Sandbox) -> dict[str, Any]:
    return sandbox.connect(team="Acme Web")


@pytest.fixture
def token(pair: dict[str, Any]) -> str:
    return str(pair["access_token"])


def raw(sandbox: Sandbox, token: str, path: str = "/v2/account") -> Iterator[bytes]:
    """The answer's bytes as they arrive."""
    place = urlsplit(sandbox.url)
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        head = f"GET {path} HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {token}\r\n\r\n"
        connection.sendall(head.encode())
        while chunk := connection.recv(65_536):
            yield chunk


def timed(act: Any) -> float:
    start = time.monotonic()
    act()
    return time.monotonic() - start


def test_status_answers_in_its_place(sandbox: Sandbox, token: str) -> None:
    sandbox.fault("status", path="/v2/account", status=503)

    answer = sandbox.get("/v2/account", token)

    assert (answer.status_code, answer.json()["id"]) == (503, "service_unavailable")
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_status_takes_body_json_and_headers(sandbox: Sandbox, token: str) -> None:
    sandbox.fault("status", status=429, json={"id": "too_many_requests"}, headers={"retry-after": "7"}, times=1)
    sandbox.fault("status", status=418, body="short and stout", times=1)

    first, second = sandbox.get("/v2/account", token), sandbox.get("/v2/account", token)

    assert (first.status_code, first.json(), first.headers["retry-after"]) == (429, {"id": "too_many_requests"}, "7")
    assert (second.status_code, second.text) == (418, "short and stout")


def test_hang_sends_nothing_and_closes(sandbox: Sandbox, token: str) -> None:
    sandbox.fault("hang", path="/v2/account", seconds=0.5)

    assert 0.4 < timed(lambda: list(raw(sandbox, token))) < 3
    assert list(raw(sandbox, token)) == []


def test_a_hang_without_end_ends_with_the_client(sandbox: Sandbox, token: str) -> None:
    sandbox.fault("hang", path="/v2/account")

    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{sandbox.url}/v2/account", headers={"Authorization": f"Bearer {token}"}, timeout=0.2)

    time.sleep(0.6)
    assert sandbox.recent_requests()[-1]["fault"] == "hang"


def test_drip_sends_headers_first_and_the_body_slowly(sandbox: Sandbox, token: str) -> None:
    sandbox.fault("drip", path="/v2/account", bytes_per_second=400)

    chunks = list(raw(sandbox, token))

    assert chunks[0].startswith(b"HTTP/1.1 200 OK\r\n")
    assert len(chunks) > 5
    assert b"".join(chunks).endswith(b"}")
    assert 0.4 < timed(lambda: sandbox.get("/v2/account", token).json()) < 5


def test_drip_by_interval_sends_single_bytes(sandbox: Sandbox, token: str) -> None:
    sandbox.fault("drip", path="/v2/nothing", interval=0.002)

    chunks = list(raw(sandbox, token, "/v2/nothing"))

    assert len(chunks) > 20
    assert max(map(len, chunks[1:])) < 20


def test_drip_can_drip_the_headers_too(sandbox: Sandbox, token: str) -> None:
    sandbox.fault("drip", path="/v2/account", interval=0.001, drip_headers=True)

    chunks = list(raw(sandbox, token))

    assert len(chunks[0]) < 10
    assert b"".join(chunks).startswith(b"HTTP/1.1 200 OK\r\n")


def test_reset_closes_without_an_answer(sandbox: Sandbox, token: str) -> None:
    sandbox.fault("reset", path="/v2/account")

    with pytest.raises(ConnectionResetError):
        list(raw(sandbox, token))


def test_truncate_cuts_the_body_of_an_honest_length(sandbox: Sandbox, token: str) -> None:
    sandbox.fault("truncate", path="/v2/account", at=10)

    head, _, body = b"".join(raw(sandbox, token)).partition(b"\r\n\r\n")

    assert len(body) == 10
    (length,) = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
    assert int(length.split(b":")[1]) > 100
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        sandbox.get("/v2/account", token)


def test_truncate_always_truncates(sandbox: Sandbox, token: str) -> None:
    sandbox.fault("truncate", path="/v2/account", at=1_000_000)
    place = urlsplit(sandbox.url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
    connection.request("GET", "/v2/account", headers={"Authorization": f"Bearer {token}"})

    with pytest.raises(http.client.IncompleteRead) as caught:
        connection.getresponse().read()

    assert caught.value.expected == 1
    connection.close()


def test_empty_html_body_json_and_redirect(sandbox: Sandbox, token: str) -> None:
    def answer(kind: str, **more: Any) -> requests.Response:
        sandbox.clear_faults()
        sandbox.fault(kind, path="/v2/account", **more)
        return sandbox.get("/v2/account", token)

    assert answer("empty").content == b""
    html = answer("html")
    assert (html.status_code, html.headers["Content-Type"]) == (502, "text/html; charset=utf-8")
    assert answer("html", status=200).status_code == 200
    body = answer("body", body="{not json", status=200, content_type="application/json")
    assert (body.text, body.headers["Content-Type"]) == ("{not json", "application/json")
    assert answer("json", json=["a", "list"]).json() == ["a", "list"]
    redirect = answer("redirect", location="http://127.0.0.1:9/thief", status=307)
    assert (redirect.status_code, redirect.headers["Location"]) == (307, "http://127.0.0.1:9/thief")


def test_patch_lies_in_the_true_answer(sandbox: Sandbox, token: str) -> None:
    patch = {"/meta/total": 187, "/droplets/0/name": None, "/droplets/1/odd~1key": [1], "/droplets/-": "no droplet"}
    sandbox.fault("patch", path="/v2/droplets$", set=patch, remove=["/droplets/2/tags", "/links"])

    found = sandbox.get("/v2/droplets", token).json()

    assert found["meta"] == {"total": 187}
    assert found["droplets"][0]["name"] is None
    assert found["droplets"][1]["odd/key"] == [1]
    assert "tags" not in found["droplets"][2]
    assert found["droplets"][20] == "no droplet"
    assert "links" not in found


def test_a_patch_that_does_not_fit_says_so(sandbox: Sandbox, token: str) -> None:
    sandbox.fault("patch", path="/v2/droplets", set={"/droplets/999/name": "x"})

    answer = sandbox.get("/v2/droplets", token)

    assert answer.status_code == 500
    assert "/droplets/999/name" in answer.json()["message"]


def test_delay_answers_late_and_true(sandbox: Sandbox, token: str) -> None:
    sandbox.fault("delay", path="/v2/account", seconds=0.4)

    assert 0.35 < timed(lambda: sandbox.get("/v2/account", token).json()["account"]) < 3


def test_before_means_that_nothing_happened(sandbox: Sandbox, pair: dict[str, Any]) -> None:
    sandbox.fault("status", grant_type="refresh_token", status=500, times=1)

    assert sandbox.refresh(pair["refresh_token"]).status_code == 500
    assert sandbox.ledger()[0].refreshed == 0
    assert sandbox.refresh(pair["refresh_token"]).ok


@pytest.mark.parametrize(
    ("kind", "more"),
    [("status", {"status": 500}), ("hang", {"seconds": 0.1}), ("reset", {}), ("html", {}), ("empty", {})],
)
def test_after_means_that_it_happened(sandbox: Sandbox, pair: dict[str, Any], kind: str, more: dict[str, Any]) -> None:
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
def test_what_spoils_the_true_answer_lets_it_happen(sandbox: Sandbox, pair: dict[str, Any], kind: str) -> None:
    sandbox.fault(kind, grant_type="refresh_token", **({"bytes_per_second": 5_000} if kind == "drip" else {}))

    try:
        sandbox.refresh(pair["refresh_token"])
    except requests.exceptions.ChunkedEncodingError:
        assert kind == "truncate"

    assert sandbox.ledger()[0].refreshed == 1


def test_a_fault_picks_its_requests(sandbox: Sandbox, token: str) -> None:
    northwind = sandbox.connect(team="Northwind")["access_token"]
    sandbox.fault("status", path="^/v2/droplets$", team="Northwind", page=2, type="gpus", status=503)

    def status(bearer: str, **query: Any) -> int:
        return sandbox.get("/v2/droplets", bearer, **query).status_code

    assert status(northwind, page=2, type="gpus") == 503
    assert status(northwind, page=1, type="gpus") == 200
    assert status(northwind, page=2) == 200
    assert status(token, page=2, type="gpus") == 200


def test_a_fault_on_the_token_endpoint_knows_team_and_grant_type(sandbox: Sandbox, pair: dict[str, Any]) -> None:
    northwind = sandbox.connect(team="Northwind")
    sandbox.fault("status", path="/token", method="POST", grant_type="refresh_token", team="Northwind", status=503)

    assert sandbox.refresh(northwind["refresh_token"]).status_code == 503
    assert sandbox.refresh(pair["refresh_token"]).ok
    assert sandbox.connect(team="Northwind")


def test_skip_and_times_bound_a_fault(sandbox: Sandbox, token: str) -> None:
    fault = sandbox.fault("status", path="/v2/account", status=503, skip=1, times=2)

    assert [sandbox.get("/v2/account", token).status_code for _ in range(5)] == [200, 503, 503, 200, 200]
    assert sandbox.hits(fault) == 2
    assert sandbox.faults()[0]["seen"] == 5


def test_the_first_fault_that_is_not_spent_acts(sandbox: Sandbox, token: str) -> None:
    sandbox.fault("status", path="/v2/account", status=500, times=1)
    sandbox.fault("status", path="/v2/", status=503)

    assert [sandbox.get("/v2/account", token).status_code for _ in range(2)] == [500, 503]


def test_faults_can_be_forgotten(sandbox: Sandbox, token: str) -> None:
    first, _ = sandbox.fault("status", status=500), sandbox.fault("status", status=503)

    sandbox.clear_faults(first)
    assert sandbox.get("/v2/account", token).status_code == 503
    sandbox.clear_faults()
    assert sandbox.get("/v2/account", token).ok
    with pytest.raises(ValueError, match="could not be found"):
        sandbox.clear_faults(first)


def test_control_calls_are_never_spoilt(sandbox: Sandbox) -> None:
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
def test_an_odd_fault_is_refused(sandbox: Sandbox, spec: dict[str, Any], sentence: str) -> None:
    answer = requests.post(f"{sandbox.url}/_sandbox/faults", json=spec, timeout=10)

    assert answer.status_code == 422
    assert sentence in answer.json()["message"]
    assert sandbox.faults() == []
