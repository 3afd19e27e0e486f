"""A broker that needs no server: messages are files in a directory that the processes of one host share.

kombu's filesystem transport, put right in five points. A message appears whole: kombu lets readers see it while it is
written. A reader claims it with a rename in the same directory: kombu moves it to /tmp, which may be another disk.
Queues are read in their order, so actions come before reading: kombu takes them in turn. A file that is no message is
dropped: kombu would end the worker. Messages that have expired go when others are sent: kombu leaves that to workers,
so they would pile up while none runs.
"""

import logging
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty
from time import time_ns
from typing import Any
from uuid import uuid4

from django.utils import timezone
from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps, loads
from kombu.utils.scheduling import FairCycle

SCHEME = "queue-files"

_LONGEST = 10_000_000
"""Characters of a message. A longer file is none: Conveyor sends ids only."""
_LONGEST_WAIT = 0.1  # seconds

log = logging.getLogger(__name__)


def expiry_of(payload: Any) -> datetime | None:
    """When a message expires, None for never. Raises for what is no message, as kombu does."""
    text = payload["headers"].get("expires")
    moment = datetime.fromisoformat(text) if text else None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


class _InOrder(FairCycle):
    def get(self, callback: Any, **kwargs: Any) -> Any:
        self.pos = 0
        return super().get(callback, **kwargs)


class Channel(filesystem.Channel):
    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]  # kombu's own two differ
        directory = Path(self.data_folder_out)
        expires = expiry_of(payload)
        seconds = int(expires.timestamp()) if expires else 0
        name = f"{time_ns():020d}_{uuid4().hex}_{seconds}.{queue}.msg"
        hidden = directory / f".{name}"
        hidden.write_text(dumps(payload), encoding="utf-8")
        hidden.rename(directory / name)
        if expires:
            _delete_expired(directory, timezone.now().timestamp())

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        directory, ending = Path(self.data_folder_in), f".{queue}.msg"
        for name in sorted(name for name in os.listdir(directory) if name.endswith(ending)):
            if name.startswith("."):
                continue
            claimed = directory / f".claimed-{uuid4().hex}"
            try:
                os.rename(directory / name, claimed)
            except FileNotFoundError:
                continue  # another worker was faster
            try:
                return self._read(claimed)
            except Exception as error:  # JSON and kombu raise many kinds
                log.error("A file in QUEUE_DIR is no message, and was dropped: %s", type(error).__name__)
            finally:
                with suppress(OSError):  # a directory stays, under its hidden name
                    claimed.unlink()
        raise Empty

    def _read(self, path: Path) -> Any:
        """The message in a file. Raises for what is none: links, pipes, other files."""
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), encoding="utf-8") as file:
            payload = loads(file.read(_LONGEST))
        self.Message(payload, channel=self)  # as kombu will
        return payload

    def _reset_cycle(self) -> None:
        self._cycle = _InOrder(self._get_and_deliver, self._active_queues, Empty)


def _delete_expired(directory: Path, now: float) -> None:
    """Delete the messages whose name says that they have expired, as `_put` names them."""
    for name in os.listdir(directory):
        expires = name.partition(".")[0].rpartition("_")[2]
        if name.endswith(".msg") and expires.isdecimal() and 0 < int(expires) < now:
            with suppress(OSError):  # a worker was faster
                (directory / name).unlink()


class Transport(filesystem.Transport):
    Channel = Channel

    def drain_events(self, connection: Any, timeout: float | None = None, **kwargs: Any) -> None:
        """A worker acknowledges what it has done between two calls, and waits 2 s in each: too long for many tasks."""
        super().drain_events(connection, timeout=min(timeout or _LONGEST_WAIT, _LONGEST_WAIT), **kwargs)


TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"
