"""A loop that reboots droplets, as a careful person would write it: 8 threads, DigitalOcean's limits respected.

    python -m tests.bench.bare_job http://127.0.0.1:8001

reads a JSON list of teams from standard input, each a token and the ids of droplets, and prints a line of JSON with the
`seconds` that it took and how many `reboots` have ended well. Each droplet is read first, and rebooted if it runs. The
action is asked for every two seconds until it has ended.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from threading import Lock
from time import monotonic, perf_counter, sleep
from typing import Any

from tests.support.programs import PROJECT

THREADS = 8
BETWEEN = 2.0
BURST, MINUTE = 250, 60.0


class Limit:
    """DigitalOcean's limit of calls of a token in a minute."""

    def __init__(self) -> None:
        self._calls: deque[float] = deque()
        self._lock = Lock()

    def wait(self) -> None:
        while True:
            with self._lock:
                now = monotonic()
                while self._calls and self._calls[0] < now - MINUTE:
                    self._calls.popleft()
                if len(self._calls) < BURST:
                    self._calls.append(now)
                    return
                pause = self._calls[0] + MINUTE - now
            sleep(pause + 0.01)


def reboot_all(url: str, teams: Sequence[tuple[str, Sequence[int]]]) -> int:
    import requests

    session = requests.Session()
    session.trust_env = False
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=THREADS))
    limits = {token: Limit() for token, _ in teams}

    def call(method: str, token: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        limits[token].wait()
        headers = {"Authorization": f"Bearer {token}"}
        answer = session.request(method, f"{url}/v2/droplets/{path}", json=body, headers=headers, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def reboot(token: str, droplet: int) -> bool:
        if call("GET", token, str(droplet))["droplet"]["status"] != "active":
            return False
        action = call("POST", token, f"{droplet}/actions", {"type": "reboot"})["action"]
        while action["status"] == "in-progress":
            sleep(BETWEEN)
            action = call("GET", token, f"{droplet}/actions/{action['id']}")["action"]
        return bool(action["status"] == "completed")

    lists = [[(token, droplet) for droplet in droplets] for token, droplets in teams]
    work = [each for row in zip_longest(*lists) for each in row if each]
    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(lambda each: reboot(*each), work))


def measured(url: str, teams: Sequence[tuple[str, Sequence[int]]]) -> tuple[float, int]:
    """Run it in a process of its own. Returns the seconds and the number of reboots."""
    command = [sys.executable, "-m", "tests.bench.bare_job", url]
    done = subprocess.run(command, cwd=PROJECT, input=json.dumps(teams), capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    return float(found["seconds"]), int(found["reboots"])


def main(url: str) -> None:
    teams = [(str(token), [int(droplet) for droplet in droplets]) for token, droplets in json.load(sys.stdin)]
    start = perf_counter()
    reboots = reboot_all(url, teams)
    print(json.dumps({"seconds": perf_counter() - start, "reboots": reboots}))


if __name__ == "__main__":
    main(*sys.argv[1:])
