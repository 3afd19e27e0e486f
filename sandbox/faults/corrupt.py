"""Carries out a fault: holds back, replaces, cuts or distorts one answer."""

from __future__ import annotations

import asyncio
import http
import json
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from sandbox.api import errors
from sandbox.faults import pointers
from sandbox.faults.rules import Fault

Really = Callable[[], Awaitable[web.Response]]

FOREVER = 3_600.0  # seconds that a hang lasts when no end is given
GLANCE = 0.2  # seconds between looks at whether the client is still there
HTML = "<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"


class Gone(web.StreamResponse):
    """Stands for an answer that was not sent, or was sent by hand. aiohttp must write nothing and close."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """aiohttp takes a ConnectionError here for a client that has left, and closes the connection."""
        raise ConnectionResetError("spoilt on purpose")


async def spoil(request: web.Request, fault: Fault, really: Really) -> web.StreamResponse:
    """Answer a request with the trouble of `fault`. `really` does what was asked and gives the true answer.

    A fault of phase "after" lets the request take effect first; drip, truncate and patch always do.
    """
    match fault.kind:
        case "delay":
            return await _delayed(request, fault, really)
        case "drip":
            return await _dripped(request, fault.parameters, await really())
        case "truncate":
            return _truncated(request, fault.parameters, await really())
        case "patch":
            return _patched(fault.parameters, await really())
    if fault.phase == "after":
        await really()
    match fault.kind:
        case "hang":
            await _wait(request, float(fault.parameters.get("seconds", FOREVER)))
            return Gone()
        case "reset":
            return _reset(request)
    return _replacement(fault.kind, fault.parameters, request["request_id"])


async def _delayed(request: web.Request, fault: Fault, really: Really) -> web.StreamResponse:
    seconds = float(fault.parameters["seconds"])
    if fault.phase == "before":
        await _wait(request, seconds)
        return await really()
    answer = await really()
    await _wait(request, seconds)
    return answer


def _replacement(kind: str, given: dict[str, Any], request_id: str) -> web.Response:
    status = int(given.get("status", {"html": 502, "redirect": 302}.get(kind, 200)))
    match kind:
        case "status" if "json" in given:
            answer = web.json_response(given["json"], status=status)
        case "status" if "body" in given:
            answer = web.Response(text=given["body"], status=status)
        case "status":
            answer = errors.answer(status, f"A fault of the sandbox answers {status}.", request_id)
        case "json":
            answer = web.json_response(given["json"], status=status)
        case "body":
            answer = web.Response(body=given["body"].encode(), status=status)
            answer.headers["Content-Type"] = given.get("content_type", "application/json")
        case "html":
            page = given.get("body", HTML.format(title=f"{status} {_reason(status)}"))
            answer = web.Response(text=page, status=status, content_type="text/html")
        case "redirect":
            answer = web.Response(status=status, headers={"Location": given["location"]})
        case _:  # empty
            answer = web.Response(status=status)
    answer.headers.update({str(name): str(value) for name, value in given.get("headers", {}).items()})
    return answer


def _patched(given: dict[str, Any], answer: web.Response) -> web.Response:
    document = json.loads(_body(answer))
    for pointer, value in given.get("set", {}).items():
        document = pointers.put(document, pointer, value)
    for pointer in given.get("remove", []):
        document = pointers.remove(document, pointer)
    answer.body = json.dumps(document).encode()
    return answer


def _reset(request: web.Request) -> Gone:
    if (transport := request.transport) is not None:
        connection: socket.socket | None = transport.get_extra_info("socket")
        if connection is not None:
            # Closing with a linger of zero sends RST instead of FIN.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return Gone()


def _truncated(request: web.Request, given: dict[str, Any], answer: web.Response) -> Gone:
    body = _body(answer)
    cut = min(int(given.get("at", len(body) // 2)), max(0, len(body) - 1))
    _write(request, _head(answer, len(body)) + body[:cut])
    return Gone()


async def _dripped(request: web.Request, given: dict[str, Any], answer: web.Response) -> Gone:
    body = _body(answer)
    head = _head(answer, len(body))
    if given.get("drip_headers"):
        body = head + body
    else:
        _write(request, head)
    if "interval" in given:
        step, pause = 1, float(given["interval"])
    else:
        rate = float(given.get("bytes_per_second", 10))
        step = max(1, int(rate / 20))
        pause = step / rate
    for start in range(0, len(body), step):
        if _has_left(request):
            break
        _write(request, body[start : start + step])
        await asyncio.sleep(pause)
    return Gone()


async def _wait(request: web.Request, seconds: float) -> None:
    """Sleep, but no longer than the client stays: a thousand hangs must not outlive their test."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and not _has_left(request):
        await asyncio.sleep(min(left, GLANCE))


def _has_left(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _write(request: web.Request, data: bytes) -> None:
    transport = request.transport
    if isinstance(transport, asyncio.WriteTransport) and not transport.is_closing():
        transport.write(data)


def _head(answer: web.Response, length: int) -> bytes:
    headers = dict(answer.headers) | {"Content-Length": str(length), "Connection": "close"}
    lines = [f"HTTP/1.1 {answer.status} {_reason(answer.status)}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def _body(answer: web.Response) -> bytes:
    return answer.body if isinstance(answer.body, bytes) else b""


def _reason(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
