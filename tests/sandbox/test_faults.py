"""The kinds of faults."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Iterator
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
    """The response's bytes as they arrive."""
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


def test_truncate_cuts_the_body_below_its_content_length(sandbox: Sandbox, token: str) -> None:
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


def test_patch_changes_the_correct_response(sandbox: Sandbox, token: str) -> None:
    patch = {"/meta/total": 187, "/droplets/0/name": None, "/droplets/1/odd~1key": [1], "/droplets/-": "no droplet"}
    sandbox.fault("patch", path="/v2/droplets$", set=patch, remove=["/droplets/2/tags", "/links"])

    found = sandbox.get("/v2/droplets", token).json()

    assert found["meta"] == {"total": 187}
    assert found["droplets"][0]["name"] is None
    assert found["droplets"][1]["odd/key"] == [1]
    assert "tags" not in found["droplets"][2]
    assert found["droplets"][20] == "no droplet"
    assert "links" not in found


def test_a_patch_that_does_not_fit_is_reported(sandbox: Sandbox, token: str) -> None:
    sandbox.fault("patch", path="/v2/droplets", set={"/droplets/999/name": "x"})

    answer = sandbox.get("/v2/droplets", token)

    assert answer.status_code == 500
    assert "/droplets/999/name" in answer.json()["message"]


def test_delay_sends_the_correct_response_late(sandbox: Sandbox, token: str) -> None:
    sandbox.fault("delay", path="/v2/account", seconds=0.4)

    assert 0.35 < timed(lambda: sandbox.get("/v2/account", token).json()["account"]) < 3


def test_html_takes_a_page_and_a_status(sandbox: Sandbox, token: str) -> None:
    page = "<!DOCTYPE html><title>Blocked</title><h1>Blocked by the proxy</h1>"
    sandbox.fault("html", path="^/v2/", status=403, body=page)

    answer = sandbox.get("/v2/account", token)

    assert (answer.status_code, answer.text) == (403, page)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


def test_patch_reaches_every_item_of_a_list(sandbox: Sandbox, token: str) -> None:
    sandbox.fault("patch", path="/v2/droplets$", set={"/droplets/*/tags": None}, remove=["/droplets/*/size"], times=1)
    found = sandbox.get("/v2/droplets", token).json()["droplets"]
    assert all(each["tags"] is None and "size" not in each for each in found)
    assert len(found) == 20

    sandbox.fault("patch", path="/v2/droplets$", set={"/droplets/*": None}, times=1)
    assert sandbox.get("/v2/droplets", token).json()["droplets"] == [None] * 20
    sandbox.fault("patch", path="/v2/droplets$", remove=["/droplets/3", "/droplets/0/networks/v4/*"], times=1)
    one_less = sandbox.get("/v2/droplets", token).json()["droplets"]
    assert (len(one_less), one_less[0]["networks"]["v4"]) == (19, [])


def test_a_status_fault_refuses_tokens_that_are_good(sandbox: Sandbox, pair: dict[str, Any]) -> None:
    sandbox.fault("status", path="^/v2/", status=401, times=2)

    answers = [sandbox.get("/v2/account", pair["access_token"]) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [401, 401, 200]
    assert answers[0].json()["id"] == "unauthorized"
    assert sandbox.ledger()[0].access_live
