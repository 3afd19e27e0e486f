"""A process of its own that uses Conveyor's services, steered over its standard input: one JSON object a line.

    {"do": "meet", "threads": 16}   all threads ask for the connection's token at once and use it on the API
    {"do": "once"}                  ask for it once
    {"do": "disconnect"}            disconnect the connection
    {"do": "act", "droplet": 4711}  reboot a droplet
    {"do": "advance", "job": ID}    go on with the connection's part of a job

Each is answered by one line. `--kill MODULE:NAME:before|inside|after` ends the process with SIGKILL around the first
call of that function, as a power cut would.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from argparse import ArgumentParser
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from time import monotonic
from typing import Any

import django


def main() -> None:
    parser = ArgumentParser()
    parser.add_argument("connection")
    parser.add_argument("--kill", default="")
    options = parser.parse_args()
    django.setup()
    if options.kill:
        arm(*options.kill.split(":"))
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        answer = ORDERS[order.pop("do")](options.connection, **order)
        print(json.dumps(answer), flush=True)


def arm(module_name: str, name: str, moment: str) -> None:
    """Put the end of this process around a function. `inside`: a third of a second after it has begun."""
    holder: Any = import_module(module_name)
    real = getattr(holder, name)

    def deadly(*args: Any, **kwargs: Any) -> Any:
        if moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        if moment == "inside":
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGKILL)).start()
        answer = real(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(holder, name, deadly)


_crowd: ThreadPoolExecutor | None = None


def meet(connection: str, threads: int, known: str = "") -> list[str]:
    """What each thread met: "ok", or the error's code. `known` is the token that the threads believe in.

    The threads, and their database connections, live as long as the process, as a server's do.
    """
    global _crowd
    _crowd = _crowd or ThreadPoolExecutor(threads)
    barrier = threading.Barrier(threads)

    def use() -> str:
        barrier.wait()
        return _use(connection, known)

    return [future.result() for future in [_crowd.submit(use) for _ in range(threads)]]


def once(connection: str) -> list[str]:
    return [_use(connection, "")]


def disconnect(connection: str) -> list[str]:
    from accounts import connections
    from accounts.models import Connection

    waiting = connections.disconnect(Connection.objects.select_related("account").get(pk=connection))
    return ["ok" if waiting == [] else "waiting"]


def act(connection: str, droplet: int) -> list[str]:
    from uuid import uuid4

    from accounts.models import Connection
    from droplets.actions import sending
    from droplets.actions.kinds import KINDS
    from droplets.calls import droplet as droplet_calls

    row = Connection.objects.select_related("account__user", "token").get(pk=connection)
    found = droplet_calls.fetch_droplet(row, droplet)
    return [sending.begin(row, found, KINDS["reboot"], {}, key=uuid4()).status]


def advance(connection: str, job: str) -> list[str]:
    from uuid import UUID

    from droplets.jobs import advance

    return [str(advance.advance(UUID(job), UUID(connection)))]


def _use(pk: str, known: str) -> str:
    """As a page does: take the token, call the API, and after a 401 ask once more and replay once."""
    from accounts import tokens
    from accounts.models import Connection
    from digitalocean_client import errors, oauth

    row = Connection.objects.select_related("account__user", "token").get(pk=pk)
    token: Any = known
    if not known:
        [(_, token)] = tokens.access_tokens([row], deadline=monotonic() + 30)
    for attempt in range(2):
        if isinstance(token, errors.DigitalOceanError):
            return token.code
        try:
            oauth.token_owner(token)
            return "ok"
        except errors.TokenRejected:
            if attempt:
                return "token_rejected"
            [(_, token)] = tokens.access_tokens([row], deadline=monotonic() + 30, rejected={row.pk: token})
        except errors.DigitalOceanError as error:
            return error.code
    return "unreachable"


ORDERS: dict[str, Any] = {"meet": meet, "once": once, "disconnect": disconnect, "act": act, "advance": advance}

if __name__ == "__main__":
    main()
