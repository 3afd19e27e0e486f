"""A total deadline for an HTTP call.

requests' timeout is per read: an answer that sends one byte now and then holds the caller for as long as it likes.
Here one thread watches all calls of the process. It shuts the socket down when a call's time is over, whatever the call
is doing: connecting, TLS, sending, reading headers or reading the body.

How long a page waits for all its calls is `settings.PAGE_DEADLINE`.
"""

import os
import socket
import threading
from contextlib import suppress
from math import inf
from time import monotonic
from types import TracebackType
from typing import Any, Self

import urllib3

from digitalocean_client import errors

_this_thread = threading.local()


class Deadline:
    """`with Deadline(seconds):` ends the one HTTP call made inside it, on this thread, after `seconds`.

    `expired` tells whether it had to; `sent` whether the request had begun to go out.
    """

    def __init__(self, seconds: float) -> None:
        self.ends = monotonic() + seconds
        self.expired = False
        self.sent = False
        self._handle: socket.socket | None = None

    @property
    def left(self) -> float:
        """Seconds until the end, never quite 0: sockets take 0 for "do not block"."""
        return max(self.ends - monotonic(), 0.001)

    def __enter__(self) -> Self:
        _this_thread.deadline = self
        _watcher.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _watcher.remove(self)
        _this_thread.deadline = None
        self._replace_handle(None)

    def use(self, sock: socket.socket) -> None:
        """From now on `sock` is the socket to shut down at the end.

        Through a handle of our own: TLS replaces the socket object while it wraps it, and a descriptor that has been
        closed may already belong to another connection.
        """
        self._replace_handle(socket.socket(fileno=os.dup(sock.fileno())))

    def _replace_handle(self, handle: socket.socket | None) -> None:
        with _watcher.changed:  # or the watcher could shut down a descriptor that is just being closed
            if self._handle is not None:
                self._handle.close()
            self._handle = handle
            if self.expired:
                self.expire()

    def expire(self) -> None:
        """For the watcher, which holds its lock."""
        self.expired = True
        if self._handle is not None:
            with suppress(OSError):
                self._handle.shutdown(socket.SHUT_RDWR)


class _Watcher:
    """One daemon thread that ends every call of this process whose time is over. The first call starts it.

    A fork copies the lock but not the thread, so the child begins with a new lock and starts a thread of its own.
    """

    def __init__(self) -> None:
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self.changed = threading.Condition()
        self._deadlines: set[Deadline] = set()
        self._wakes_at = inf
        self._is_started = False

    def add(self, deadline: Deadline) -> None:
        with self.changed:
            if not self._is_started:
                try:
                    threading.Thread(target=self._run, name="deadlines", daemon=True).start()
                except (RuntimeError, MemoryError) as error:
                    raise errors.Unavailable(f"no thread ({error})") from error
                self._is_started = True
            self._deadlines.add(deadline)
            if deadline.ends < self._wakes_at:
                self.changed.notify()

    def remove(self, deadline: Deadline) -> None:
        with self.changed:
            self._deadlines.discard(deadline)

    def _run(self) -> None:
        with self.changed:
            while True:
                now = monotonic()
                for deadline in [each for each in self._deadlines if each.ends <= now]:
                    self._deadlines.remove(deadline)
                    deadline.expire()
                self._wakes_at = min((each.ends for each in self._deadlines), default=inf)
                self.changed.wait(min(self._wakes_at - now, threading.TIMEOUT_MAX))


_watcher = _Watcher()


def _current() -> Deadline | None:
    return getattr(_this_thread, "deadline", None)


class _Watched:
    """Mixed into urllib3's connections: tells the running deadline which socket is in use."""

    sock: Any

    def _new_conn(self) -> socket.socket:
        sock: socket.socket = super()._new_conn()  # type: ignore[misc]  # urllib3's: the mixin comes before it in the bases
        deadline = _current()
        if deadline:
            deadline.use(sock)
        return sock

    def request(self, *args: Any, **kwargs: Any) -> None:
        deadline = _current()
        if deadline and self.sock is not None:
            deadline.use(self.sock)
        super().request(*args, **kwargs)  # type: ignore[misc]  # as above

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()  # type: ignore[attr-defined]  # as http.client does; here, so that "sent" comes after it
        deadline = _current()
        if deadline:
            deadline.sent = True
        super().send(data)  # type: ignore[misc]  # as above


class _HTTPConnection(_Watched, urllib3.connection.HTTPConnection):
    pass


class _HTTPSConnection(_Watched, urllib3.connection.HTTPSConnection):
    pass


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


POOL_CLASSES = {"http": _HTTPPool, "https": _HTTPSPool}
"""What a urllib3 PoolManager needs as its `pool_classes_by_scheme` for a `Deadline` to end its calls."""
