"""A total deadline for an HTTP call.

requests' timeout is per read, so an answer that drips a byte now and then holds the caller for as long as it likes.
Here a timer shuts the socket down when the call's time is over, whatever the call is doing: connecting, TLS,
sending, reading headers or reading the body.
"""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from time import monotonic
from types import TracebackType
from typing import Any

import urllib3

_running = threading.local()


class Deadline:
    """`with Deadline(seconds):` ends the one HTTP call made inside it, on this thread, after `seconds`.

    `expired` tells whether it had to; `sent` whether the request had begun to go out.
    """

    def __init__(self, seconds: float) -> None:
        self.ends = monotonic() + seconds
        self.expired = False
        self.sent = False
        self._handle: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True

    @property
    def left(self) -> float:
        """Seconds until the end, never quite 0: sockets take 0 for "do not block"."""
        return max(self.ends - monotonic(), 0.001)

    def __enter__(self) -> Deadline:
        _running.deadline = self
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        _running.deadline = None
        self._let_go()

    def holds(self, sock: socket.socket) -> None:
        """From now on `sock` is what has to be cut.

        Through a handle of our own: TLS replaces the socket object while it wraps it, and a descriptor that has been
        closed may by now be somebody else's.
        """
        self._let_go()
        self._handle = socket.socket(fileno=os.dup(sock.fileno()))
        if self.expired:
            self._cut()

    def _let_go(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.close()

    def _expire(self) -> None:
        self.expired = True
        self._cut()

    def _cut(self) -> None:
        handle = self._handle
        if handle is not None:
            with suppress(OSError):
                handle.shutdown(socket.SHUT_RDWR)


def _current() -> Deadline | None:
    return getattr(_running, "deadline", None)


class _Cuttable:
    """Mixed into urllib3's connections: tells the running deadline which socket is in use."""

    sock: Any

    def _new_conn(self) -> socket.socket:
        sock: socket.socket = super()._new_conn()  # type: ignore[misc]  # urllib3's, by the mixin's place in the bases
        deadline = _current()
        if deadline:
            deadline.holds(sock)
        return sock

    def request(self, *args: Any, **kwargs: Any) -> None:
        deadline = _current()
        if deadline and self.sock is not None:
            deadline.holds(self.sock)
        super().request(*args, **kwargs)  # type: ignore[misc]  # as above

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()  # type: ignore[attr-defined]  # as http.client does; here, so that "sent" comes after it
        deadline = _current()
        if deadline:
            deadline.sent = True
        super().send(data)  # type: ignore[misc]  # as above


class _HTTPConnection(_Cuttable, urllib3.connection.HTTPConnection):
    pass


class _HTTPSConnection(_Cuttable, urllib3.connection.HTTPSConnection):
    pass


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


POOL_CLASSES = {"http": _HTTPPool, "https": _HTTPSPool}
"""What a urllib3 PoolManager needs as its `pool_classes_by_scheme` for its calls to be cuttable."""
