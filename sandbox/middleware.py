"""The middleware around every handler: request id, counters, latency, faults and errors."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiohttp import web

from sandbox import errors
from sandbox.faults.corrupt import NoResponse, corrupt
from sandbox.faults.rules import Fault
from sandbox.grants.errors import OAuthError
from sandbox.simulation import SIMULATION, Simulation
from sandbox.traffic import request_info

logger = logging.getLogger("sandbox")

Answer = TypeVar("Answer", bound=web.StreamResponse)
Respond = Callable[[], Awaitable[web.Response]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CONTROL = "/_sandbox/"
WITH_LATENCY = ("/v1/oauth/token", "/v1/oauth/revoke", "/v2/")  # the consent page is not slowed down


@web.middleware
async def handle_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Handle one request. Control requests are neither counted nor matched by faults."""
    arrived = time.monotonic()
    request["request_id"] = str(uuid.uuid4())
    simulation = request.app[SIMULATION]

    async def respond() -> web.Response:
        return _with_request_id(request, await _handle(request, handler))

    if request.path.startswith(CONTROL):
        if not from_loopback(request.remote):
            return _with_request_id(request, errors.response(404, "Not found.", request["request_id"]))
        return await respond()
    try:
        info = await request_info.inspect(request, simulation.store)
    except errors.ApiError as error:
        return _with_request_id(request, errors.response(error.status, error.message, request["request_id"]))
    fault = simulation.faults.match(info)
    with simulation.counters.in_flight(info):
        await _latency(request, simulation, arrived)
        sent = await respond() if fault is None else await _corrupted(request, fault, respond)
    status = None if isinstance(sent, NoResponse) else sent.status
    simulation.counters.answered(info, status)
    simulation.log.record(request, status, fault.kind if fault else None, request["request_id"])
    return sent


async def _handle(request: web.Request, handler: Handler) -> web.Response:
    """The handler's response, or the response for its error."""
    try:
        answer = await handler(request)
    except errors.ApiError as error:
        answer = errors.response(error.status, error.message, request["request_id"])
    except OAuthError as error:
        body = {"error": error.error, "error_description": error.description}
        answer = web.json_response(body, status=error.status)
        answer.headers["Cache-Control"] = "no-store"
        if error.status == 401:
            answer.headers["WWW-Authenticate"] = 'Basic realm="sandbox"'
    except web.HTTPException as error:
        answer = errors.response(error.status, error.reason or "", request["request_id"])
    except Exception:
        logger.exception("%s %s failed", request.method, request.path)
        answer = errors.response(500, "The sandbox itself failed; see its output.", request["request_id"])
    if not isinstance(answer, web.Response):
        raise TypeError(f"{request.path} answered with a {type(answer).__name__}")
    return answer


async def _corrupted(request: web.Request, fault: Fault, respond: Respond) -> web.StreamResponse:
    try:
        answer = await corrupt(request, fault, respond)
    except (LookupError, ValueError) as error:
        answer = errors.response(500, f"The fault does not fit the response: {error}", request["request_id"])
    return answer if isinstance(answer, NoResponse) else _with_request_id(request, answer)


def _with_request_id(request: web.Request, answer: Answer) -> Answer:
    answer.headers["x-request-id"] = request["request_id"]
    return answer


async def _latency(request: web.Request, simulation: Simulation, arrived: float) -> None:
    """Wait until the latency has passed since the request arrived, so that other requests do not add to it."""
    if simulation.settings.latency_ms and request.path.startswith(WITH_LATENCY):
        await asyncio.sleep(arrived + simulation.settings.latency_ms / 1_000 - time.monotonic())


def from_loopback(remote: str | None) -> bool:
    """Whether an address is this machine's own. The control API shows tokens, so it answers nobody else."""
    try:
        return remote is not None and ipaddress.ip_address(remote).is_loopback
    except ValueError:
        return False
