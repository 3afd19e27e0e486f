"""The total deadline of a call."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from functools import partial
from time import monotonic

import pytest

from digitalocean_client import deadline, errors, executor
from digitalocean_client import http as do_http
from digitalocean_client.answers import Answer
from tests.support.raw import http, raw
from tests.support.sandbox import Sandbox

TOKEN = "doo_v1_" + "5ec2e7" * 10


def get(url: str, *, timeout: float = 5.0) -> Answer:
    return do_http.send("GET", url, timeout=timeout, token=TOKEN)


class TestTheDeadline:
    """It covers the whole call, whatever the call is doing; the timeout of requests is per read."""

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
        """Without a length, an answer that was cut looks like one that has ended."""
        encoding = ["Transfer-Encoding: chunked"] if chunked else []
        body = b'7\r\n{"a": 1\r\n' + b"1\r\n \r\n" * 100 if chunked else b'{"a": 1}' + b" " * 1000
        head, rest = http(body, *encoding, length=False).split(b"\r\n\r\n")
        with raw(head + b"\r\n\r\n" + rest, pause=0.01) as server, pytest.raises(errors.TooSlow):
            get(server.url, timeout=1.5)

    def test_an_answer_that_never_comes(self, sandbox: Sandbox) -> None:
        sandbox.fault("hang", path="^/v2/account$", seconds=20)

        with pytest.raises(errors.TooSlow):
            do_http.send("GET", f"{sandbox.api_url}/account", timeout=0.5)

    def test_a_connection_that_is_never_accepted(self) -> None:
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
                    get(f"http://127.0.0.1:{address[1]}", timeout=0.5)
            finally:
                for each in waiting:
                    each.close()
        assert type(caught.value) in (errors.Unavailable, errors.TooSlow)

    def test_a_tls_handshake_that_never_ends(self) -> None:
        with raw(b"", pause=1) as server, pytest.raises(errors.Unavailable):
            get(server.url.replace("http://", "https://"), timeout=0.5)

    @pytest.mark.parametrize("timeout", [0, -1])
    def test_no_time_left_sends_nothing(self, timeout: float) -> None:
        with raw(http(b"{}")) as server, pytest.raises(errors.TooSlow):
            get(server.url, timeout=timeout)

        assert server.requests == []

    def test_one_call_that_is_cut_does_not_harm_another(self, sandbox: Sandbox) -> None:
        """Each call has its own deadline, also where calls share the connection pool."""
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

    def test_one_thread_watches_all_calls(self, sandbox: Sandbox) -> None:
        sandbox.fault("drip", path="^/v2/account$", interval=0.1)
        before = {thread.name for thread in threading.enumerate()}
        calls = [
            executor.start(partial(do_http.send, "GET", f"{sandbox.api_url}/account", timeout=0.4 + number / 50))
            for number in range(20)
        ]

        watchers = [each for each in threading.enumerate() if each.name not in before | {"digitalocean-call"}]

        assert len(watchers) <= 1
        assert {type(call.result(timeout=2)) for call in calls} == {errors.TooSlow}

    def test_an_earlier_deadline_ends_first(self, sandbox: Sandbox) -> None:
        """The watcher, which waits for a later deadline, is told of it."""
        sandbox.fault("drip", path="^/v2/account$", interval=0.1)
        send = partial(do_http.send, "GET", f"{sandbox.api_url}/account")
        late = executor.start(partial(send, timeout=1.5))
        early = executor.start(partial(send, timeout=0.3))

        assert isinstance(early.result(timeout=1), errors.TooSlow)
        assert not late.done()
        assert isinstance(late.result(timeout=2), errors.TooSlow)

    @pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
    def test_a_forked_process_has_a_watcher_of_its_own(self, sandbox: Sandbox) -> None:
        """gunicorn loads Conveyor before it forks, and a fork has only the thread that called it."""
        url = f"{sandbox.api_url}/account"
        do_http.send("GET", url, timeout=1, token=sandbox.connect()["access_token"])  # starts the watcher
        sandbox.fault("drip", path="^/v2/account$", interval=0.1)

        child = os.fork()
        if child == 0:
            signal.alarm(2)  # ends the child where nothing else does
            try:
                do_http.send("POST", url, timeout=0.3)
            except errors.TooSlow:
                os._exit(0)
            os._exit(1)

        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_where_its_thread_cannot_be_started_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(deadline, "_watcher", deadline._Watcher())
    with raw(http(b"{}")) as server:
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", no_room)
            with pytest.raises(errors.Unavailable):
                get(server.url)
        assert get(server.url).status == 200
