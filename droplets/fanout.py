"""Several teams' droplets read at once, each with its own token, until a deadline that none of them can move."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import replace
from time import monotonic
from uuid import UUID

from accounts.digitalocean import errors
from accounts.models import Connection
from accounts.tokens import access_tokens
from droplets.listing import Listed, Reading

THREADS = 32


def read(connections: Sequence[Connection], *, until: float) -> dict[UUID, Listed]:
    """What each connection's reading came to by `until` (of `time.monotonic`), by the connection's primary key.

    Never raises for one of them: `Listed.error` tells. Every page has threads of its own, so that nobody waits for
    somebody else's teams; tokens and the database stay on the caller's thread, the workers do HTTP.
    """
    fan = _Fan(connections, until)
    try:
        fan.start(connections)
        fan.wait()
        return fan.end()
    finally:
        fan.close()


class _Fan:
    def __init__(self, connections: Sequence[Connection], until: float) -> None:
        self._by_key = {connection.pk: connection for connection in connections}
        self._until = until
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="fleet")
        self._readings: dict[UUID, Reading] = {}
        self._refused: dict[UUID, errors.DigitalOceanError] = {}

    def start(self, connections: Iterable[Connection], rejected: Mapping[UUID, str] | None = None) -> None:
        """Start to read each of these as soon as its token is there."""
        for connection, token in access_tokens(connections, until=self._until, rejected=rejected):
            if isinstance(token, errors.DigitalOceanError):
                self._refused[connection.pk] = token
            else:
                reading = Reading(token, pool=self._pool, until=self._until)
                self._readings[connection.pk] = reading
                reading.start()

    def wait(self) -> None:
        """Until all are done or time is up. Who met a 401 is read once more, with the token that took its place."""
        open_ = {reading.done: key for key, reading in self._readings.items()}
        replayed: set[UUID] = set()
        while open_ and (left := self._until - monotonic()) > 0:
            done, _ = wait(open_, timeout=left, return_when=FIRST_COMPLETED)
            rejected = self._rejected(open_.pop(future) for future in done) - replayed
            if rejected:
                replayed |= rejected
                tokens = {key: self._readings[key].token for key in rejected}
                self.start([self._by_key[key] for key in rejected], tokens)
                open_.update((self._readings[key].done, key) for key in rejected)

    def _rejected(self, keys: Iterable[UUID]) -> set[UUID]:
        return {key for key in keys if self._readings[key].is_rejected}

    def end(self) -> dict[UUID, Listed]:
        listed = {key: reading.end() for key, reading in self._readings.items()}
        for key, error in self._refused.items():
            listed[key] = replace(listed.get(key, Listed()), error=error, request_id=error.request_id)
        return listed

    def close(self) -> None:
        """Leave. Calls under way end by themselves at the deadline; waiting for them would move it."""
        for reading in self._readings.values():
            reading.end()
        self._pool.shutdown(wait=False, cancel_futures=True)
