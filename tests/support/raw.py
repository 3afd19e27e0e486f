"""A server that sends exactly the given bytes, for malformed responses."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Raw:
    """`requests` has the bytes of each request, in order of arrival."""

    url: str
    requests: list[bytes] = field(default_factory=list)


@contextmanager
def raw(*answers: bytes, pause: float = 0.0) -> Iterator[Raw]:
    """Respond to each connection with the next of `answers`; the last is repeated.

    With a `pause` in seconds, bytes are sent one by one with that pause between them.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    server = Raw(f"http://127.0.0.1:{listener.getsockname()[1]}")
    stopped = threading.Event()

    def serve() -> None:
        while not stopped.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            with connection:
                connection.settimeout(5)
                server.requests.append(_request(connection))
                answer = answers[min(len(server.requests), len(answers)) - 1]
                try:
                    _send(connection, answer, pause, stopped)
                except OSError:
                    continue  # the client has disconnected

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        stopped.set()
        thread.join(10)
        listener.close()


def _request(connection: socket.socket) -> bytes:
    """Headers and body of one request."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536) or b"\r\n\r\n"
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def _send(connection: socket.socket, answer: bytes, pause: float, stopped: threading.Event) -> None:
    if not pause:
        connection.sendall(answer)
        return
    for byte in answer:
        if stopped.is_set():
            return
        connection.sendall(bytes([byte]))
        time.sleep(pause)


def http(body: bytes, *headers: str, status: str = "200 OK", length: bool = True) -> bytes:
    """A complete HTTP response with this body."""
    lines = [f"HTTP/1.1 {status}", *headers, "Connection: close"]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body
