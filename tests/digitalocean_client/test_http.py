"""HTTP calls: one host, no redirects, no cookies, and the error for each status and failure."""

from __future__ import annotations

import gzip
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from urllib3.util import connection as urllib3_connection

from digitalocean_client import errors
from digitalocean_client import http as do_http
from digitalocean_client.answers import Answer
from tests.support.raw import http, raw
from tests.support.sandbox import Sandbox

TOKEN = "doo_v1_" + "5ec2e7" * 10
SECRET = "a-client-secret-5ec2e7"


def get(url: str, *, timeout: float = 5.0, **more: Any) -> Answer:
    return do_http.send("GET", url, timeout=timeout, token=TOKEN, **more)


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with each connection that is made."""
    made: list[int] = []
    really = urllib3_connection.create_connection

    def counted(*args: Any, **more: Any) -> socket.socket:
        made.append(1)
        return really(*args, **more)

    monkeypatch.setattr(urllib3_connection, "create_connection", counted)
    return made


class TestWorks:
    def test_an_answer_is_a_value(self, sandbox: Sandbox) -> None:
        token = sandbox.connect()["access_token"]

        answer = do_http.send("GET", f"{sandbox.api_url}/account", timeout=5, token=token)

        assert answer.status == 200
        assert answer.json()["account"]["email"] == "ada@acme.example"
        assert answer.request_id == sandbox.recent_requests()[-1]["request_id"]

    def test_what_is_sent(self) -> None:
        with raw(http(b"{}")) as server:
            do_http.send("POST", f"{server.url}/x", timeout=5, token=TOKEN, json={"a": 1}, params={"page": 2})

        [request] = server.requests
        head, body = request.split(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        assert lines[0] == "POST /x?page=2 HTTP/1.1"
        assert f"Authorization: Bearer {TOKEN}" in lines
        assert "Content-Type: application/json" in lines
        assert "User-Agent: Conveyor" in lines
        assert "Connection: close" in lines  # not over a connection that the other side may be closing
        assert body == b'{"a":1}'

    def test_without_a_token_none_is_sent(self) -> None:
        with raw(http(b"{}")) as server:
            do_http.send("POST", server.url, timeout=5, form={"code": "x"})

        assert b"Authorization" not in server.requests[0]
        assert server.requests[0].endswith(b"code=x")

    def test_an_empty_answer_is_one(self, sandbox: Sandbox) -> None:
        with raw(http(b"", status="204 No Content")) as server:
            assert get(server.url).body == b""

    def test_a_compressed_answer_is_decompressed(self) -> None:
        with raw(http(gzip.compress(b'{"a": 1}'), "Content-Encoding: gzip")) as server:
            assert get(server.url).body == b'{"a": 1}'

    def test_reads_go_over_one_connection(self, sandbox: Sandbox, connects: list[int]) -> None:
        """Kept alive: a second read is not slowed down by another handshake."""
        token = sandbox.connect()["access_token"]
        url = f"{sandbox.api_url}/account"
        connects.clear()  # the sandbox's own

        for _ in range(4):
            do_http.send("GET", url, timeout=5, token=token)

        assert len(connects) <= 1

    def test_connections_of_a_whole_page_are_kept_alive(self, sandbox: Sandbox, connects: list[int]) -> None:
        token = sandbox.connect()["access_token"]
        sandbox.fault("delay", path="^/v2/account$", seconds=0.2)
        url = f"{sandbox.api_url}/account"
        connects.clear()  # the sandbox's own

        for _ in range(2):
            with ThreadPoolExecutor(20) as threads:
                for _ in range(20):
                    threads.submit(do_http.send, "GET", url, timeout=5, token=token)

        assert len(connects) <= 20


class TestGoesNowhereElse:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_redirects_are_refused(self, sandbox: Sandbox, status: int, method: str) -> None:
        with raw(http(b"{}")) as elsewhere:
            sandbox.fault("redirect", path="^/v1/oauth/token$", location=elsewhere.url, status=status)

            with pytest.raises(errors.UnexpectedAnswer):
                do_http.send(
                    method, f"{sandbox.oauth_url}/token", timeout=5, token=TOKEN, form={"client_secret": SECRET}
                )

        assert elsewhere.requests == []

    def test_a_netrc_does_not_replace_the_token(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password something\n")
        (tmp_path / ".netrc").chmod(0o600)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.delenv("NETRC", raising=False)

        with raw(http(b"{}")) as server:
            get(server.url)

        assert f"Authorization: Bearer {TOKEN}".encode() in server.requests[0]
        assert b"Basic" not in server.requests[0]

    @pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
    def test_a_proxy_of_the_environment_is_not_used(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        with raw(http(b"{}")) as server, raw(http(b"{}")) as proxy:
            monkeypatch.setenv(name, proxy.url)
            monkeypatch.delenv("no_proxy", raising=False)
            monkeypatch.delenv("NO_PROXY", raising=False)
            get(server.url)

        assert len(server.requests) == 1
        assert proxy.requests == []

    def test_cookies_are_not_kept(self) -> None:
        cookie = "Set-Cookie: team=northwind; Path=/"
        with raw(http(b"{}", cookie)) as server:
            get(server.url)
            get(server.url)

        assert len(server.requests) == 2
        assert b"ookie" not in server.requests[1]

    @pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
    @pytest.mark.parametrize("answer", [b"", http(b"{}", status="503 Unavailable"), http(b"{}", status="500 No")])
    def test_nothing_is_sent_twice(self, method: str, answer: bytes) -> None:
        with raw(answer) as server, pytest.raises(errors.Unavailable):
            do_http.send(method, server.url, timeout=5, token=TOKEN)

        assert len(server.requests) == 1


# status × headers × body → error
TABLE = [
    (400, {"id": "bad_request", "message": "Cannot parse."}, errors.Refused),
    (401, {"id": "unauthorized", "message": "Unable to authenticate you."}, errors.TokenRejected),
    (403, {"id": "forbidden", "message": "You are missing the required permission."}, errors.NotAllowed),
    (404, {"id": "not_found", "message": "Gone."}, errors.NotFound),
    (409, {"id": "conflict", "message": "Still at it."}, errors.Refused),
    (412, {"id": "precondition_failed", "message": "No."}, errors.Refused),
    (418, {"id": "teapot"}, errors.Refused),
    (422, {"id": "unprocessable_entity", "message": "Droplet already has a pending event."}, errors.Refused),
    (429, {"id": "too_many_requests", "message": "API rate limit exceeded."}, errors.RateLimited),
    (500, {"id": "server_error", "message": "Unexpected server-side error"}, errors.Unavailable),
    (502, "<html>Bad gateway</html>", errors.Unavailable),
    (503, "", errors.Unavailable),
    (504, [1], errors.Unavailable),
    (599, None, errors.Unavailable),
    (300, "", errors.UnexpectedAnswer),
    (304, "", errors.UnexpectedAnswer),
]


class TestErrors:
    @pytest.mark.parametrize(("status", "body", "expected"), TABLE)
    def test_by_status(
        self, sandbox: Sandbox, status: int, body: Any, expected: type[errors.DigitalOceanError]
    ) -> None:
        given = {"body": body} if isinstance(body, str) else {"json": body}
        sandbox.fault("status", path="^/v2/account$", status=status, **given)

        with pytest.raises(errors.DigitalOceanError) as caught:
            get(f"{sandbox.api_url}/account")

        assert type(caught.value) is expected
        assert caught.value.status == status
        assert caught.value.request_id == sandbox.recent_requests()[-1]["request_id"] != ""
        assert caught.value.detail == (body.get("id") if isinstance(body, dict) else "")

    def test_a_refusal_shows_digitaloceans_words(self, sandbox: Sandbox) -> None:
        words = "Droplet already has a pending event."
        sandbox.fault("status", path="^/v2/account$", status=422, json={"id": "x", "message": words})

        with pytest.raises(errors.Refused) as caught:
            get(f"{sandbox.api_url}/account")

        assert caught.value.sentence == f"DigitalOcean refused this: {words}"
        assert words not in str(caught.value)  # for logs: ours alone

    def test_the_request_id_of_the_body(self) -> None:
        body = msgspec.json.encode({"id": "x", "message": "", "request_id": "from-the-body"})
        with raw(http(body, status="400 Bad")) as server, pytest.raises(errors.Refused) as caught:
            get(server.url)

        assert caught.value.request_id == "from-the-body"

    @pytest.mark.parametrize(
        "answer",
        [
            b"",
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
            b"SSH-2.0-OpenSSH_9.2\r\n",
            b"HTTP/1.1 nonsense\r\n\r\n",
        ],
    )
    def test_after_a_broken_answer_the_request_may_have_taken_effect(self, answer: bytes) -> None:
        with raw(answer) as server, pytest.raises(errors.AnswerLost):
            get(server.url)

    @pytest.mark.parametrize(
        "headers",
        [["Content-Encoding: gzip"], ["Content-Length: -1"], [f"X-{number}: x" for number in range(200)]],
        ids=["not gzip", "a negative length", "too many headers"],
    )
    def test_an_answer_that_cannot_be_read(self, headers: list[str]) -> None:
        with (
            raw(http(b"nonsense", *headers, length=False)) as server,
            pytest.raises(errors.DigitalOceanError) as caught,
        ):
            get(server.url).json()

        assert isinstance(caught.value, (errors.AnswerLost, errors.UnexpectedAnswer))

    def test_a_refused_connection(self) -> None:
        """Not sent, so without effect."""
        with pytest.raises(errors.Unavailable) as caught:
            get("http://127.0.0.1:9/")

        assert type(caught.value) is errors.Unavailable

    def test_an_unknown_host_name(self) -> None:
        with pytest.raises(errors.Unavailable) as caught:
            get("http://conveyor.invalid/")

        assert type(caught.value) is errors.Unavailable

    @pytest.mark.parametrize("packed", [True, False], ids=["packed", "plain"])
    def test_a_body_that_is_too_large(self, packed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        """Its decompressed size counts: 20 kB on the network can be 20 MB here."""
        monkeypatch.setattr(do_http, "LARGEST_BODY", 200_000)
        body = b" " * 1_000_000
        answer = http(gzip.compress(body), "Content-Encoding: gzip") if packed else http(body)

        with raw(answer) as server, pytest.raises(errors.UnexpectedAnswer):
            get(server.url)

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'"x"'])
    def test_a_body_of_another_shape(self, body: bytes) -> None:
        with raw(http(body)) as server, pytest.raises(errors.UnexpectedAnswer):
            get(server.url).json()


class TestRetryAfter:
    @pytest.fixture(params=["429", "503"])
    def after(self, request: pytest.FixtureRequest, sandbox: Sandbox) -> Any:
        def after(**headers: str) -> float | None:
            """Seconds until the moment that the error names."""
            sandbox.clear_faults()
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            sandbox.fault("status", path="^/v2/account$", status=int(request.param), headers=named)
            with pytest.raises(errors.DigitalOceanError) as caught:
                get(f"{sandbox.api_url}/account")
            at = caught.value.retry_at
            return None if at is None else (at - datetime.now(UTC)).total_seconds()

        after.status = request.param  # type: ignore[attr-defined]
        return after

    def test_seconds(self, after: Any) -> None:
        assert after(retry_after="30") == pytest.approx(30, abs=2)
        assert after(retry_after="0.5") == pytest.approx(1, abs=1)

    def test_a_date(self, after: Any) -> None:
        at = datetime.now(UTC) + timedelta(seconds=90)
        assert after(retry_after=format_datetime(at, usegmt=True)) == pytest.approx(90, abs=2)

    def test_never_more_than_an_hour(self, after: Any) -> None:
        for value in ("86400", "1e300", "inf", format_datetime(datetime(2099, 1, 1, tzinfo=UTC), usegmt=True)):
            assert after(retry_after=value) == pytest.approx(3600, abs=2)

    def test_never_in_the_past(self, after: Any) -> None:
        for value in ("-5", "0", format_datetime(datetime(2020, 1, 1, tzinfo=UTC), usegmt=True)):
            assert after(retry_after=value) == pytest.approx(1, abs=1)

    def test_the_reset_counts_where_no_calls_are_left(self, after: Any) -> None:
        reset = str(int(datetime.now(UTC).timestamp()) + 120)
        assert after(ratelimit_reset=reset, ratelimit_remaining="0") == pytest.approx(120, abs=2)

    def test_the_reset_is_ignored_while_calls_are_left(self, after: Any) -> None:
        reset = str(int(datetime.now(UTC).timestamp()) + 120)
        expected = pytest.approx(60, abs=2) if after.status == "429" else None
        assert after(ratelimit_reset=reset, ratelimit_remaining="7") == expected

    @pytest.mark.parametrize("value", ["soon", "nan", "Mon, 99 Foo 2026", "", "1;2", "٣"])
    def test_a_malformed_value_is_ignored(self, after: Any, value: str) -> None:
        expected = pytest.approx(60, abs=2) if after.status == "429" else None
        assert after(retry_after=value.encode().decode("latin-1")) == expected


def test_a_post_uses_no_kept_connection(sandbox: Sandbox, connects: list[int]) -> None:
    """The other side may be closing it at that moment, and the lost request must not be sent again."""
    for method, made in (("GET", 1), ("GET", 1), ("POST", 2), ("DELETE", 3), ("GET", 3)):
        with pytest.raises(errors.TokenRejected):
            do_http.send(method, f"{sandbox.api_url}/droplets/1", timeout=5, token=TOKEN)

        assert len(connects) <= made, method
    assert len(connects) >= 2


def test_a_404_without_an_error_body_is_unexpected() -> None:
    with (
        raw(http(b"<html>no such page</html>", status="404 Not Found")) as server,
        pytest.raises(errors.UnexpectedAnswer),
    ):
        do_http.send("GET", server.url, timeout=5)


@pytest.mark.parametrize("request_id", ["doo_v1_" + "a" * 64, "x\x00y", "a b", "ü"])
def test_only_a_well_formed_request_id_is_used(request_id: str) -> None:
    body = json.dumps({"id": "server\x00_error", "request_id": request_id}).encode()
    with raw(http(body, status="500 Oops")) as server, pytest.raises(errors.Unavailable) as caught:
        do_http.send("GET", server.url, timeout=5)

    assert caught.value.request_id == ""
    assert caught.value.detail == "server_error"


@pytest.mark.parametrize("odd", [None, 7, ["x"]])
def test_a_malformed_field_of_an_error_body_is_ignored(odd: object) -> None:
    body = json.dumps({"id": "not_found", "message": odd, "request_id": odd}).encode()
    with raw(http(body, status="404 Not Found")) as server, pytest.raises(errors.NotFound):
        do_http.send("GET", server.url, timeout=5)
