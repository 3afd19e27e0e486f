"""Starts and stops the sandbox: one process, one event loop."""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
import sys
from collections.abc import Sequence

from aiohttp import web

from sandbox.options import Options
from sandbox.routes import application
from sandbox.simulation import Simulation
from sandbox.store import StateFileUnusable, Store

BACKLOG = 1_024  # connections waiting to be accepted, so that the kernel refuses none of many at once


class CannotListen(Exception):
    """The address cannot be used. The text is one sentence for the user."""


def run(options: Options) -> int:
    """Serve until SIGINT or SIGTERM. Returns the exit code: 1 when the port or the state file cannot be used."""
    logging.basicConfig(format="%(levelname)s %(message)s", level=logging.WARNING)
    try:
        asyncio.run(_serve(options))
    except (CannotListen, StateFileUnusable) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


async def _serve(options: Options) -> None:
    store = Store(options.state)
    try:
        # Responses that a fault still delays do not keep the process running.
        runner = web.AppRunner(application(Simulation(options, store)), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            stopped = _stop_signal()
            await _listen(runner, options)
            sys.stdout.write(f"Sandbox listens on http://{_bracketed(options.host)}:{_port(runner.addresses)}\n")
            sys.stdout.flush()
            await stopped.wait()
        finally:
            await runner.cleanup()
    finally:
        store.close()


async def _listen(runner: web.AppRunner, options: Options) -> None:
    try:
        await web.TCPSite(runner, options.host, options.port, backlog=BACKLOG).start()
    except OSError as error:
        address = f"{_bracketed(options.host)}:{options.port}"
        if error.errno == errno.EADDRINUSE:
            sentence = f"Sandbox cannot listen on {address}: the port is in use. Choose another with --port."
            raise CannotListen(sentence) from error
        raise CannotListen(f"Sandbox cannot listen on {address}: {error.strerror or error}.") from error


def _stop_signal() -> asyncio.Event:
    """An event that SIGINT and SIGTERM set."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    return stopped


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _port(addresses: Sequence[tuple[str, int] | tuple[str, int, int, int]]) -> int:
    return addresses[0][1]
