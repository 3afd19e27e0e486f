"""A broker that needs no server: messages are files in a directory that the processes of one host share.

kombu's filesystem transport, put right in three points. A message appears whole: kombu lets readers see it while it is
written. A reader claims it with a rename in the same directory: kombu moves it to /tmp, which may be another disk.
Queues are read in their order, so actions come before reading: kombu takes them in turn.
"""

import os
from pathlib import Path
from queue import Empty
from time import time_ns
from typing import Any
from uuid import uuid4

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps, loads
from kombu.utils.scheduling import FairCycle

SCHEME = "queue-files"

_LONGEST_WAIT = 0.1  # seconds


class _InOrder(FairCycle):
    def get(self, callback: Any, **kwargs: Any) -> Any:
        self.pos = 0
        return super().get(callback, **kwargs)


class Channel(filesystem.Channel):
    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]  # kombu's own two differ
        directory = Path(self.data_folder_out)
        name = f"{time_ns():020d}_{uuid4().hex}.{queue}.msg"
        hidden = directory / f".{name}"
        hidden.write_text(dumps(payload), encoding="utf-8")
        hidden.rename(directory / name)

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        ending = f".{queue}.msg"
        for name in sorted(name for name in os.listdir(self.data_folder_in) if name.endswith(ending)):
            if name.startswith("."):
                continue
            claimed = Path(self.data_folder_in) / f".claimed-{name}"
            try:
                os.rename(Path(self.data_folder_in) / name, claimed)
            except FileNotFoundError:
                continue  # another worker was faster
            text = claimed.read_text(encoding="utf-8")
            claimed.unlink(missing_ok=True)
            return loads(text)
        raise Empty

    def _reset_cycle(self) -> None:
        self._cycle = _InOrder(self._get_and_deliver, self._active_queues, Empty)


class Transport(filesystem.Transport):
    Channel = Channel

    def drain_events(self, connection: Any, timeout: float | None = None, **kwargs: Any) -> None:
        """A worker acknowledges what it has done between two calls, and waits 2 s in each: too long for many tasks."""
        super().drain_events(connection, timeout=min(timeout or _LONGEST_WAIT, _LONGEST_WAIT), **kwargs)


TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"
