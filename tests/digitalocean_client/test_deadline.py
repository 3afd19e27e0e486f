"""The total deadline of a call: whatever it is doing, at the end it is over."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from time import monotonic

import pytest

from digitalocean_client import errors
from digitalocean_client import http as do_http
from tests.support.raw import http, raw
from tests.support.sandbox import Sandbox

TOKEN = "doo_v1_" + "5ec2e7" * 10


def ask(url: str, *, timeout: float = 5.0) -> do_http.Answer:
    return do_http.send("GET", url, timeout=timeout, token=TOKEN)


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
            do_http.send("GET", f"{sandbox.api_url}/account", timeout=0.6, token=token)

    def test_an_answer_that_drips_over_a_kept_connection(self, sandbox: Sandbox) -> None:
        token = sandbox.connect()["access_token"]
        url = f"{sandbox.api_url}/account"
        assert do_http.send("GET", url, timeout=2, token=token).status == 200
        sandbox.fault("drip", path="^/v2/account$", interval=0.1)

        with pytest.raises(errors.TooSlow):
            do_http.send("GET", url, timeout=0.6, token=token)

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
            do_http.send("GET", f"{sandbox.api_url}/account", timeout=0.5)

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
                do_http.send("GET", f"{sandbox.api_url}/droplets", timeout=0.6, token=token)
            except errors.TooSlow as error:
                ended.append(error)

        threads = [threading.Thread(target=drip) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(20):
            assert do_http.send("GET", f"{sandbox.api_url}/account", timeout=2, token=token).status == 200
        for thread in threads:
            thread.join(5)

        assert len(ended) == 4

    def test_no_timer_outlives_its_call(self, sandbox: Sandbox) -> None:
        token = sandbox.connect()["access_token"]
        before = threading.active_count()

        for _ in range(10):
            do_http.send("GET", f"{sandbox.api_url}/account", timeout=60, token=token)

        assert threading.active_count() <= before + 1
