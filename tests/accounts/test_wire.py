"""The one way out: a total deadline, nowhere else, nothing kept, nothing told, and an error for each thing to do."""

from __future__ import annotations

import gzip
import socket
import threading
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec
import pytest

from accounts.digitalocean import errors, oauth, wire
from tests.support.raw import http, raw
from tests.support.sandbox import Sandbox

TOKEN = "doo_v1_" + "5ec2e7" * 10
SECRET = "a-client-secret-5ec2e7"


def ask(url: str, *, timeout: float = 5.0, **more: Any) -> wire.Answer:
    return wire.send("GET", url, timeout=timeout, token=TOKEN, **more)


def everything_in(error: BaseException) -> str:
    """All that a careless log or error report could find in an exception: its chain, arguments and attributes."""
    seen: list[object] = []
    texts: list[str] = []

    def look(value: object, depth: int = 0) -> None:
        if depth > 6 or any(value is each for each in seen):
            return
        seen.append(value)
        texts.append(repr(value))
        if isinstance(value, BaseException):
            texts.append(str(value))
            for each in (value.__cause__, value.__context__, *value.args):
                look(each, depth + 1)
        if hasattr(value, "__dict__"):
            for each in vars(value).values():
                look(each, depth + 1)
        if isinstance(value, dict):
            for each in value.values():
                look(each, depth + 1)

    look(error)
    texts.append("".join(traceback.format_exception(error)))
    return "\n".join(texts)


class TestWorks:
    def test_an_answer_is_a_value(self, sandbox: Sandbox) -> None:
        token = sandbox.connect()["access_token"]

        answer = wire.send("GET", f"{sandbox.api_url}/account", timeout=5, token=token)

        assert answer.status == 200
        assert answer.decode(dict)["account"]["email"] == "ada@acme.example"  # type: ignore[type-arg]
        assert answer.request_id == sandbox.recent_requests()[-1]["request_id"]

    def test_what_is_sent(self) -> None:
        with raw(http(b"{}")) as server:
            wire.send("POST", f"{server.url}/x", timeout=5, token=TOKEN, json={"a": 1}, params={"page": 2})

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
            wire.send("POST", server.url, timeout=5, form={"code": "x"})

        assert b"Authorization" not in server.requests[0]
        assert server.requests[0].endswith(b"code=x")

    def test_an_empty_answer_is_one(self, sandbox: Sandbox) -> None:
        with raw(http(b"", status="204 No Content")) as server:
            assert ask(server.url).body == b""

    def test_a_packed_answer_is_unpacked(self) -> None:
        with raw(http(gzip.compress(b'{"a": 1}'), "Content-Encoding: gzip")) as server:
            assert ask(server.url).body == b'{"a": 1}'

    def test_reads_go_over_one_connection(self, sandbox: Sandbox) -> None:
        """Kept alive: a second read is not slowed down by another handshake."""
        token = sandbox.connect()["access_token"]
        url = f"{sandbox.api_url}/account"
        wire.send("GET", url, timeout=5, token=token)
        pool = wire._session.get_adapter(url).poolmanager.connection_from_url(url)  # type: ignore[attr-defined]
        before = pool.num_connections

        for _ in range(3):
            wire.send("GET", url, timeout=5, token=token)

        assert pool.num_connections == before


class TestGoesNowhereElse:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_redirects_are_refused(self, sandbox: Sandbox, status: int, method: str) -> None:
        with raw(http(b"{}")) as elsewhere:
            sandbox.fault("redirect", path="^/v1/oauth/token$", location=elsewhere.url, status=status)

            with pytest.raises(errors.UnexpectedAnswer):
                wire.send(method, f"{sandbox.oauth_url}/token", timeout=5, token=TOKEN, form={"client_secret": SECRET})

        assert elsewhere.requests == []

    def test_a_netrc_does_not_replace_the_token(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password something\n")
        (tmp_path / ".netrc").chmod(0o600)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.delenv("NETRC", raising=False)

        with raw(http(b"{}")) as server:
            ask(server.url)

        assert f"Authorization: Bearer {TOKEN}".encode() in server.requests[0]
        assert b"Basic" not in server.requests[0]

    @pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
    def test_a_proxy_of_the_environment_is_not_used(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        with raw(http(b"{}")) as server, raw(http(b"{}")) as proxy:
            monkeypatch.setenv(name, proxy.url)
            monkeypatch.delenv("no_proxy", raising=False)
            monkeypatch.delenv("NO_PROXY", raising=False)
            ask(server.url)

        assert len(server.requests) == 1
        assert proxy.requests == []

    def test_no_cookie_goes_from_one_call_to_the_next(self) -> None:
        cookie = "Set-Cookie: team=northwind; Path=/"
        with raw(http(b"{}", cookie)) as server:
            ask(server.url)
            ask(server.url)

        assert len(server.requests) == 2
        assert b"ookie" not in server.requests[1]

    @pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
    @pytest.mark.parametrize("answer", [b"", http(b"{}", status="503 Unavailable"), http(b"{}", status="500 No")])
    def test_nothing_is_sent_twice(self, method: str, answer: bytes) -> None:
        with raw(answer) as server, pytest.raises(errors.Unavailable):
            wire.send(method, server.url, timeout=5, token=TOKEN)

        assert len(server.requests) == 1


class TestTheDeadline:
    """Total, whatever the call is doing, while requests' own is per read."""

    @pytest.fixture(autouse=True)
    def _on_time(self) -> Iterator[None]:
        began = monotonic()
        yield
        assert monotonic() - began < 2.5

    @pytest.mark.parametrize("headers", [True, False], ids=["headers", "body"])
    def test_an_answer_that_drips(self, sandbox: Sandbox, headers: bool) -> None:
        token = sandbox.connect()["access_token"]
        sandbox.fault("drip", path="^/v2/account$", interval=0.1, drip_headers=headers)

        with pytest.raises(errors.TooSlow):
            wire.send("GET", f"{sandbox.api_url}/account", timeout=0.6, token=token)

    @pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "until the end"])
    def test_an_answer_without_a_length_that_drips(self, chunked: bool) -> None:
        """Where nobody counts, an answer that was cut looks like one that has ended."""
        encoding = ["Transfer-Encoding: chunked"] if chunked else []
        body = b'7\r\n{"a": 1\r\n' + b"1\r\n \r\n" * 100 if chunked else b'{"a": 1}' + b" " * 1000
        head, rest = http(body, *encoding, length=False).split(b"\r\n\r\n")
        with raw(head + b"\r\n\r\n" + rest, pause=0.01) as server, pytest.raises(errors.TooSlow):
            ask(server.url, timeout=1.5)

    def test_an_answer_that_never_comes(self, sandbox: Sandbox) -> None:
        sandbox.fault("hang", path="^/v2/account$", seconds=20)

        with pytest.raises(errors.TooSlow):
            wire.send("GET", f"{sandbox.api_url}/account", timeout=0.5)

    def test_nobody_who_accepts(self) -> None:
        """A port whose queue is full: the connection itself takes for ever, and nothing was sent."""
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            address = listener.getsockname()
            waiting = [socket.socket() for _ in range(4)]
            for each in waiting:
                each.setblocking(False)
                each.connect_ex(address)
            try:
                with pytest.raises(errors.Unavailable) as caught:
                    ask(f"http://127.0.0.1:{address[1]}", timeout=0.5)
            finally:
                for each in waiting:
                    each.close()
        assert type(caught.value) in (errors.Unavailable, errors.TooSlow)

    def test_a_tls_handshake_that_never_ends(self) -> None:
        with raw(b"", pause=1) as server, pytest.raises(errors.Unavailable):
            ask(server.url.replace("http://", "https://"), timeout=0.5)

    @pytest.mark.parametrize("timeout", [0, -1])
    def test_no_time_left_sends_nothing(self, timeout: float) -> None:
        with raw(http(b"{}")) as server, pytest.raises(errors.TooSlow):
            ask(server.url, timeout=timeout)

        assert server.requests == []

    def test_one_call_that_is_cut_does_not_harm_another(self, sandbox: Sandbox) -> None:
        """Each has its own end, also when they share the pool of connections."""
        token = sandbox.connect()["access_token"]
        sandbox.fault("drip", path="^/v2/droplets$", interval=0.1)
        ended: list[object] = []

        def drip() -> None:
            try:
                wire.send("GET", f"{sandbox.api_url}/droplets", timeout=0.6, token=token)
            except errors.TooSlow as error:
                ended.append(error)

        threads = [threading.Thread(target=drip) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(20):
            assert wire.send("GET", f"{sandbox.api_url}/account", timeout=2, token=token).status == 200
        for thread in threads:
            thread.join(5)

        assert len(ended) == 4

    def test_no_timer_outlives_its_call(self, sandbox: Sandbox) -> None:
        token = sandbox.connect()["access_token"]
        before = threading.active_count()

        for _ in range(10):
            wire.send("GET", f"{sandbox.api_url}/account", timeout=60, token=token)

        assert threading.active_count() <= before + 1


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


class TestTellsErrorsApart:
    @pytest.mark.parametrize(("status", "body", "expected"), TABLE)
    def test_by_status(
        self, sandbox: Sandbox, status: int, body: Any, expected: type[errors.DigitalOceanError]
    ) -> None:
        given = {"body": body} if isinstance(body, str) else {"json": body}
        sandbox.fault("status", path="^/v2/account$", status=status, **given)

        with pytest.raises(errors.DigitalOceanError) as caught:
            ask(f"{sandbox.api_url}/account")

        assert type(caught.value) is expected
        assert caught.value.status == status
        assert caught.value.request_id == sandbox.recent_requests()[-1]["request_id"] != ""
        assert caught.value.detail == (body.get("id") if isinstance(body, dict) else "")

    def test_a_refusal_shows_digitaloceans_words(self, sandbox: Sandbox) -> None:
        words = "Droplet already has a pending event."
        sandbox.fault("status", path="^/v2/account$", status=422, json={"id": "x", "message": words})

        with pytest.raises(errors.Refused) as caught:
            ask(f"{sandbox.api_url}/account")

        assert caught.value.sentence == f"DigitalOcean refused this: {words}"
        assert words not in str(caught.value)  # for logs: ours alone

    def test_the_request_id_of_the_body(self) -> None:
        body = msgspec.json.encode({"id": "x", "message": "", "request_id": "from-the-body"})
        with raw(http(body, status="400 Bad")) as server, pytest.raises(errors.Refused) as caught:
            ask(server.url)

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
    def test_an_answer_that_breaks_off_may_have_taken_effect(self, answer: bytes) -> None:
        with raw(answer) as server, pytest.raises(errors.AnswerLost):
            ask(server.url)

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
            ask(server.url).decode(dict)  # type: ignore[type-arg]

        assert isinstance(caught.value, (errors.AnswerLost, errors.UnexpectedAnswer))

    def test_nobody_listens(self) -> None:
        """Certainly not sent, so certainly without effect."""
        with pytest.raises(errors.Unavailable) as caught:
            ask("http://127.0.0.1:9/")

        assert type(caught.value) is errors.Unavailable

    def test_a_name_that_nobody_has(self) -> None:
        with pytest.raises(errors.Unavailable) as caught:
            ask("http://conveyor.invalid/")

        assert type(caught.value) is errors.Unavailable

    @pytest.mark.parametrize("packed", [True, False], ids=["packed", "plain"])
    def test_a_body_that_is_too_large(self, packed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        """Counted as it is unpacked: 20 kB on the way can be 20 MB here."""
        monkeypatch.setattr(wire, "LARGEST_BODY", 200_000)
        body = b" " * 1_000_000
        answer = http(gzip.compress(body), "Content-Encoding: gzip") if packed else http(body)

        with raw(answer) as server, pytest.raises(errors.UnexpectedAnswer):
            ask(server.url)

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"account": {"uuid": 7}}'])
    def test_a_body_of_another_shape(self, body: bytes) -> None:
        with raw(http(body)) as server, pytest.raises(errors.UnexpectedAnswer):
            ask(server.url).decode(oauth._AccountAnswer)


class TestRetryAfter:
    @pytest.fixture(params=["429", "503"])
    def after(self, request: pytest.FixtureRequest, sandbox: Sandbox) -> Any:
        def after(**headers: str) -> float | None:
            """Seconds until the moment that the error names."""
            sandbox.clear_faults()
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            sandbox.fault("status", path="^/v2/account$", status=int(request.param), headers=named)
            with pytest.raises(errors.DigitalOceanError) as caught:
                ask(f"{sandbox.api_url}/account")
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

    def test_the_reset_where_nothing_is_left(self, after: Any) -> None:
        reset = str(int(datetime.now(UTC).timestamp()) + 120)
        assert after(ratelimit_reset=reset, ratelimit_remaining="0") == pytest.approx(120, abs=2)

    def test_the_reset_says_nothing_while_some_are_left(self, after: Any) -> None:
        reset = str(int(datetime.now(UTC).timestamp()) + 120)
        expected = pytest.approx(60, abs=2) if after.status == "429" else None
        assert after(ratelimit_reset=reset, ratelimit_remaining="7") == expected

    @pytest.mark.parametrize("value", ["soon", "nan", "Mon, 99 Foo 2026", "", "1;2", "٣"])
    def test_nonsense_counts_as_none(self, after: Any, value: str) -> None:
        expected = pytest.approx(60, abs=2) if after.status == "429" else None
        assert after(retry_after=value.encode().decode("latin-1")) == expected


class TestTellsNobody:
    """Whatever happens, no exception, nor what hangs on it, holds the token, the client secret or a body."""

    @pytest.mark.parametrize(
        "kind",
        [
            "refused",
            "reset",
            "empty",
            "truncated",
            "slow",
            "redirect",
            "500",
            "401",
            "422",
            "html",
            "shape",
            "too large",
        ],
    )
    def test_no_exception_holds_the_token(self, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
        echo = f"you sent {TOKEN} and {SECRET}".encode()
        answers = {
            "reset": b"",
            "empty": http(b""),
            "truncated": b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + echo,
            "slow": http(echo * 1000),
            "redirect": http(echo, f"Location: http://127.0.0.1:9/?t={TOKEN}", status="302 Found"),
            "500": http(echo, status="500 No"),
            "401": http(echo, status="401 No"),
            "422": http(msgspec.json.encode({"id": "x"}), status="422 No"),
            "html": http(b"<html>" + echo),
            "shape": http(msgspec.json.encode({"access_token": [TOKEN], "account": {"uuid": {TOKEN: SECRET}}})),
            "too large": http(echo * 1000),
        }
        if kind == "too large":
            monkeypatch.setattr(wire, "LARGEST_BODY", 100)
        with raw(answers.get(kind, b""), pause=0.01 if kind == "slow" else 0) as server:
            url = "http://127.0.0.1:9/" if kind == "refused" else server.url
            with pytest.raises(errors.DigitalOceanError) as caught:
                wire.send("POST", url, timeout=0.5, token=TOKEN, form={"token": TOKEN, "client_secret": SECRET}).decode(
                    oauth._AccountAnswer
                )

        found = everything_in(caught.value)
        assert TOKEN not in found
        assert SECRET not in found
        assert caught.value.__context__ is None

    @pytest.mark.parametrize("status", [400, 401, 500])
    def test_nor_does_the_token_endpoints(self, sandbox: Sandbox, settings: Any, status: int) -> None:
        settings.DIGITAL_OCEAN_OAUTH_URL = sandbox.oauth_url
        settings.DIGITAL_OCEAN_CLIENT_SECRET = SECRET
        sandbox.fault("status", path="^/v1/oauth/token$", status=status, json={"error": "invalid_grant"})

        with pytest.raises(errors.DigitalOceanError) as caught:
            oauth.refresh(TOKEN)

        found = everything_in(caught.value)
        assert TOKEN not in found
        assert SECRET not in found

    def test_a_header_cannot_be_smuggled_in(self) -> None:
        with raw(http(b"{}")) as server, pytest.raises(errors.DigitalOceanError) as caught:
            wire.send("GET", server.url, timeout=5, token=f"{TOKEN}\r\nX-Evil: 1")

        assert server.requests == []
        assert TOKEN not in everything_in(caught.value)

    def test_representations_hold_no_token(self, sandbox: Sandbox, settings: Any) -> None:
        settings.DIGITAL_OCEAN_OAUTH_URL = sandbox.oauth_url
        settings.DIGITAL_OCEAN_CLIENT_ID, settings.DIGITAL_OCEAN_CLIENT_SECRET = (
            sandbox.client_id,
            sandbox.client_secret,
        )
        granted = sandbox.connect()

        pair = oauth.refresh(granted["refresh_token"])

        for shown in (repr(pair), str(pair), f"{pair}", repr([pair])):
            assert pair.access_token not in shown
            assert pair.refresh_token not in shown
        answer = wire.Answer(200, {}, pair.access_token.encode(), "an-id")
        assert pair.access_token not in repr(answer)
        assert "an-id" in repr(answer)
