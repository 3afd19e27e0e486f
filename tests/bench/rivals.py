"""Other ways to read all droplets of some teams. Each runs in its own process, which stays alive between rounds.

    python -m tests.bench.rivals pydo http://127.0.0.1:8001

reads a JSON list of tokens from standard input and prepares. For each further line it reads all droplets once and
prints a line of JSON with the `seconds` and the number of `droplets`. Sessions, and so connections, are kept.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any, Self

from tests.support.programs import PROJECT

PER_PAGE = 200
THREADS = 32
FEW_THREADS = 8

Reader = Callable[[], int]


def bare(url: str, tokens: Sequence[str]) -> Reader:
    """A minimal parallel reader: page 1 of both lists of each team, then all other pages at once.

    It makes the same calls as Conveyor, with requests and kept connections. Each answer is decoded with msgspec, a
    very fast decoder, in the thread that received it. Nothing is checked, not even whether all droplets arrived.
    """
    import msgspec
    import requests

    session = requests.Session()
    session.trust_env = False
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=THREADS))
    pool = ThreadPoolExecutor(THREADS)

    def page(token: str, kind: dict[str, str], number: int) -> dict[str, Any]:
        answer = session.get(
            f"{url}/v2/droplets",
            params={"page": number, "per_page": PER_PAGE, **kind},
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
        )
        found: dict[str, Any] = msgspec.json.decode(answer.content)
        return found

    def read() -> int:
        lists = [(token, kind) for token in tokens for kind in ({}, {"type": "gpus"})]
        firsts = list(pool.map(lambda each: page(*each, 1), lists))
        rest = [
            (token, kind, number)
            for (token, kind), first in zip(lists, firsts, strict=True)
            for number in range(2, -(-first["meta"]["total"] // PER_PAGE) + 1)
        ]
        answers = firsts + list(pool.map(lambda call: page(*call), rest))
        return len([droplet for answer in answers for droplet in answer["droplets"]])

    return read


def python_digitalocean(url: str, tokens: Sequence[str]) -> Reader:
    """python-digitalocean: its own loop over pages of 200, one team after the other. It has no GPU droplets."""
    os.environ["DIGITALOCEAN_END_POINT"] = f"{url}/v2/"
    import digitalocean

    managers = [digitalocean.Manager(token=token) for token in tokens]
    return lambda: sum(len(manager.get_all_droplets()) for manager in managers)


def pydo(url: str, tokens: Sequence[str]) -> Reader:
    """DigitalOcean's own client: a loop over pages of 200 as in its README, team by team. No GPU droplets."""
    from pydo import Client

    clients = [Client(token=token, endpoint=url) for token in tokens]

    def read() -> int:
        found: list[Any] = []
        for client in clients:
            page, more = 1, True
            while more:
                answer = client.droplets.list(per_page=PER_PAGE, page=page, enforce_https=False)
                found += answer["droplets"]
                page, more = page + 1, "next" in answer["links"].get("pages", {})
        return len(found)

    return read


def watching(url: str, tokens: Sequence[str]) -> Reader:
    """The calls with which workers read teams that fit on one page: both lists and the latest actions, for each team.

    As `bare`, in 8 threads; all calls of a team are made by one thread, one after the other.
    """
    import msgspec
    import requests

    session = requests.Session()
    session.trust_env = False
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=FEW_THREADS))
    pool = ThreadPoolExecutor(FEW_THREADS)
    paths = ("droplets?page=1", "droplets?type=gpus&page=1", "actions?page=1")

    def read_team(token: str) -> int:
        found = []
        for path in paths:
            answer = session.get(
                f"{url}/v2/{path}&per_page={PER_PAGE}", headers={"Authorization": f"Bearer {token}"}, timeout=60
            )
            found.append(msgspec.json.decode(answer.content))
        return len(found[0]["droplets"]) + len(found[1]["droplets"])

    return lambda: sum(pool.map(read_team, tokens))


READERS: dict[str, Callable[[str, Sequence[str]], Reader]] = {
    "bare": bare,
    "watching": watching,
    "python-digitalocean": python_digitalocean,
    "pydo": pydo,
}


class Rival:
    """One of READERS in its own process, which has read everything once."""

    def __init__(self, name: str, url: str, tokens: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.rivals", name, url],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._send(json.dumps(tokens))
        self.droplets = 0
        self.read()

    def read(self) -> float:
        """Make it read once. Returns the seconds."""
        self._send("go")
        assert self._process.stdout
        answer = json.loads(self._process.stdout.readline())
        self.droplets = int(answer["droplets"])
        return float(answer["seconds"])

    def _send(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.communicate(timeout=60)


def main(name: str, url: str) -> None:
    read = READERS[name](url, json.loads(sys.stdin.readline()))
    for _ in sys.stdin:
        start = perf_counter()
        droplets = read()
        print(json.dumps({"seconds": perf_counter() - start, "droplets": droplets}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
