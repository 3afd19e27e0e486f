"""The broker in Redis: kombu's transport, put right in two points.

A text that is no message is dropped: kombu would end the worker. Messages that have expired go when others are sent:
kombu leaves that to workers, so they would pile up while none runs.
"""

import logging
from datetime import datetime
from queue import Empty
from typing import Any

from django.utils import timezone
from kombu import transport
from kombu.transport import TRANSPORT_ALIASES, redis
from kombu.utils.json import loads

from conveyor.queue_files import expiry_of

_NO_MESSAGE = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What JSON and kombu raise for a text that is no message. Redis' own errors are others."""

_OLDEST = 50
"""Messages that are looked at when one is sent: more than the scheduler sends between two of a kind."""

log = logging.getLogger(__name__)


class RedisChannel(redis.Channel):
    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]  # kombu's types do not have it
        except _NO_MESSAGE as error:
            return _dropped(error)

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        try:
            return super()._get(queue)
        except _NO_MESSAGE as error:
            _dropped(error)
            raise Empty from None

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:
        super()._put(queue, message, **kwargs)
        if expiry_of(message):
            self._delete_expired(queue, timezone.now())

    def _delete_expired(self, queue: str, now: datetime) -> None:
        key = f"{self.global_keyprefix}{queue}"  # kombu adds the prefix to the keys of its own commands only
        with self.conn_or_acquire() as client:
            for text in client.lrange(key, -_OLDEST, -1):
                try:
                    expires = expiry_of(loads(text))
                except _NO_MESSAGE:
                    continue  # whoever reads it drops it
                if expires and expires < now:
                    client.lrem(key, -1, text)


def _dropped(error: Exception) -> bool:
    """Log it. True, as for a message: there may be another one."""
    log.error("A text in Redis is no message, and was dropped: %s", type(error).__name__)
    return True


class RedisTransport(redis.Transport):
    Channel = RedisChannel


def register() -> None:
    """Make kombu use it for the URLs of Redis, with TLS and without, also where kombu has looked them up before."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:RedisTransport"
        transport._transport_cache.pop(scheme, None)  # type: ignore[attr-defined]  # kombu's types do not have it
