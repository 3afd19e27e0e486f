"""A server that sends exactly the bytes it is told to: for answers that no decent server gives."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Raw:
    """`requests` has what came in, as bytes, in the order of coming."""

    url: str
    requests: list[bytes] = field(default_factory=list)


@contextmanager
def raw(*answers: bytes, pause: float = 0.0) -> Iterator[Raw]:
    """Answers one connection after the other with `answers`, the last one again and again.

    With a `pause` the bytes go out one by one, that many seconds apart, for as long as the other side stays.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    server = Raw(f"http://127.0.0.1:{listener.getsockname()[1]}")
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            with connection:
                connection.settimeout(5)
                server.requests.append(_request(connection))
                answer = answers[min(len(server.requests), len(answers)) - 1]
                try:
                    _send(connection, answer, pause, over)
                except OSError:
                    continue  # the other side has left

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        over.set()
        thread.join(10)
        listener.close()


def _request(connection: socket.socket) -> bytes:
    """Head and body of one request."""
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


def _send(connection: socket.socket, answer: bytes, pause: float, over: threading.Event) -> None:
    if not pause:
        connection.sendall(answer)
        return
    for byte in answer:
        if over.is_set():
            return
        connection.sendall(bytes([byte]))
        time.sleep(pause)


def http(body: bytes, *headers: str, status: str = "200 OK", length: bool = True) -> bytes:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status}", *headers, "Connection: close"]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body
