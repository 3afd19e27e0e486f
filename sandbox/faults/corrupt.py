"""Applies a fault to one request: delays, replaces, cuts or changes the response."""

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

from sandbox import errors
from sandbox.faults import json_pointer
from sandbox.faults.rules import Fault

Respond = Callable[[], Awaitable[web.Response]]

DEFAULT_HANG_SECONDS = 3_600.0  # an hour
POLL_SECONDS = 0.2  # between checks whether the client is still connected
HTML = "<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"


class NoResponse(web.StreamResponse):
    """Stands for a response that was not sent, or was written by hand. aiohttp must write nothing and close."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Raise ConnectionResetError: aiohttp then takes the client for gone and closes the connection."""
        raise ConnectionResetError("closed by a fault")


async def corrupt(request: web.Request, fault: Fault, respond: Respond) -> web.StreamResponse:
    """Respond to a request as `fault` says. `respond` handles the request and returns the correct response.

    A fault of phase "after" handles the request first; drip, truncate and patch always do.
    """
    match fault.kind:
        case "delay":
            return await _delayed(request, fault, respond)
        case "drip":
            return await _dripped(request, fault.parameters, await respond())
        case "truncate":
            return _truncated(request, fault.parameters, await respond())
        case "patch":
            return _patched(fault.parameters, await respond())
    if fault.phase == "after":
        await respond()
    match fault.kind:
        case "hang":
            await _wait(request, float(fault.parameters.get("seconds", DEFAULT_HANG_SECONDS)))
            return NoResponse()
        case "reset":
            return _reset(request)
    return _replacement(fault.kind, fault.parameters, request["request_id"])


async def _delayed(request: web.Request, fault: Fault, respond: Respond) -> web.StreamResponse:
    seconds = float(fault.parameters["seconds"])
    if fault.phase == "before":
        await _wait(request, seconds)
        return await respond()
    answer = await respond()
    await _wait(request, seconds)
    return answer


def _replacement(kind: str, parameters: dict[str, Any], request_id: str) -> web.Response:
    status = int(parameters.get("status", {"html": 502, "redirect": 302}.get(kind, 200)))
    match kind:
        case "status" if "json" in parameters:
            answer = web.json_response(parameters["json"], status=status)
        case "status" if "body" in parameters:
            answer = web.Response(text=parameters["body"], status=status)
        case "status":
            answer = errors.response(status, f"A fault of the sandbox answers {status}.", request_id)
        case "json":
            answer = web.json_response(parameters["json"], status=status)
        case "body":
            answer = web.Response(body=parameters["body"].encode(), status=status)
            answer.headers["Content-Type"] = parameters.get("content_type", "application/json")
        case "html":
            page = parameters.get("body", HTML.format(title=f"{status} {_reason(status)}"))
            answer = web.Response(text=page, status=status, content_type="text/html")
        case "redirect":
            answer = web.Response(status=status, headers={"Location": parameters["location"]})
        case _:  # empty
            answer = web.Response(status=status)
    answer.headers.update({str(name): str(value) for name, value in parameters.get("headers", {}).items()})
    return answer


def _patched(parameters: dict[str, Any], answer: web.Response) -> web.Response:
    document = json.loads(_body(answer))
    for pointer, value in parameters.get("set", {}).items():
        document = json_pointer.set_value(document, pointer, value)
    for pointer in parameters.get("remove", []):
        document = json_pointer.remove_value(document, pointer)
    answer.body = json.dumps(document).encode()
    return answer


def _reset(request: web.Request) -> NoResponse:
    if (transport := request.transport) is not None:
        connection: socket.socket | None = transport.get_extra_info("socket")
        if connection is not None:
            # Closing with a linger of zero sends RST instead of FIN.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return NoResponse()


def _truncated(request: web.Request, parameters: dict[str, Any], answer: web.Response) -> NoResponse:
    body = _body(answer)
    cut = min(int(parameters.get("at", len(body) // 2)), max(0, len(body) - 1))
    _write(request, _head(answer, len(body)) + body[:cut])
    return NoResponse()


async def _dripped(request: web.Request, parameters: dict[str, Any], answer: web.Response) -> NoResponse:
    body = _body(answer)
    head = _head(answer, len(body))
    if parameters.get("drip_headers"):
        body = head + body
    else:
        _write(request, head)
    if "interval" in parameters:
        step, pause = 1, float(parameters["interval"])
    else:
        rate = float(parameters.get("bytes_per_second", 10))
        step = max(1, int(rate / 20))
        pause = step / rate
    for start in range(0, len(body), step):
        if _client_has_left(request):
            break
        _write(request, body[start : start + step])
        await asyncio.sleep(pause)
    return NoResponse()


async def _wait(request: web.Request, seconds: float) -> None:
    """Sleep, but not longer than the client stays connected, so that hanging requests do not outlive their test."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and not _client_has_left(request):
        await asyncio.sleep(min(left, POLL_SECONDS))


def _client_has_left(request: web.Request) -> bool:
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
