"""What every request passes through: a request id, the books, the latency, the faults."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiohttp import web

from sandbox.api import errors
from sandbox.faults import calls
from sandbox.faults.corrupt import Gone, spoil
from sandbox.faults.rules import Fault
from sandbox.oauth.errors import Refused
from sandbox.world import WORLD, World

logger = logging.getLogger("sandbox")

Answer = TypeVar("Answer", bound=web.StreamResponse)
Really = Callable[[], Awaitable[web.Response]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CONTROL = "/_sandbox/"
SLOW = ("/v1/oauth/token", "/v1/oauth/revoke", "/v2/")  # what the latency is laid upon: machines, not people


@web.middleware
async def envelope(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Wrap one request. Control requests are neither counted nor spoilt."""
    arrived = time.monotonic()
    request["request_id"] = str(uuid.uuid4())
    world = request.app[WORLD]

    async def really() -> web.Response:
        return _stamped(request, await _answered(request, handler))

    if request.path.startswith(CONTROL):
        if not from_loopback(request.remote):
            return _stamped(request, errors.answer(404, "Not found.", request["request_id"]))
        return await really()
    try:
        call = await calls.read(request, world.store)
    except errors.ApiError as refusal:
        return _stamped(request, errors.answer(refusal.status, refusal.message, request["request_id"]))
    fault = world.faults.strike(call)
    with world.counters.during(call):
        await _latency(request, world, arrived)
        sent = await really() if fault is None else await _spoilt(request, fault, really)
    status = None if isinstance(sent, Gone) else sent.status
    world.log.note(request, status, fault.kind if fault else None, request["request_id"])
    return sent


async def _answered(request: web.Request, handler: Handler) -> web.Response:
    """The handler's answer, or what its refusal looks like."""
    try:
        answer = await handler(request)
    except errors.ApiError as refusal:
        answer = errors.answer(refusal.status, refusal.message, request["request_id"])
    except Refused as refusal:
        body = {"error": refusal.error, "error_description": refusal.description}
        answer = web.json_response(body, status=refusal.status)
        answer.headers["Cache-Control"] = "no-store"
        if refusal.status == 401:
            answer.headers["WWW-Authenticate"] = 'Basic realm="sandbox"'
    except web.HTTPException as refusal:
        answer = errors.answer(refusal.status, refusal.reason or "", request["request_id"])
    except Exception:
        logger.exception("%s %s failed", request.method, request.path)
        answer = errors.answer(500, "The sandbox itself failed; its output says how.", request["request_id"])
    if not isinstance(answer, web.Response):
        raise TypeError(f"{request.path} answered with a {type(answer).__name__}")
    return answer


async def _spoilt(request: web.Request, fault: Fault, really: Really) -> web.StreamResponse:
    try:
        answer = await spoil(request, fault, really)
    except (LookupError, ValueError) as error:
        answer = errors.answer(500, f"The fault does not fit the answer: {error}", request["request_id"])
    return answer if isinstance(answer, Gone) else _stamped(request, answer)


def _stamped(request: web.Request, answer: Answer) -> Answer:
    answer.headers["x-request-id"] = request["request_id"]
    return answer


async def _latency(request: web.Request, world: World, arrived: float) -> None:
    """Wait, from the request's arrival on: what others ask meanwhile does not come on top."""
    if world.settings.latency_ms and request.path.startswith(SLOW):
        await asyncio.sleep(arrived + world.settings.latency_ms / 1_000 - time.monotonic())


def from_loopback(remote: str | None) -> bool:
    """Whether an address is this machine's own: the control API shows tokens."""
    try:
        return remote is not None and ipaddress.ip_address(remote).is_loopback
    except ValueError:
        return False
