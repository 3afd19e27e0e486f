"""The part of a worker that takes messages from the broker. One that Celery cannot handle does not end the worker."""

import logging
from collections.abc import Callable
from typing import Any

from celery.worker import consumer

log = logging.getLogger(__name__)


class Consumer(consumer.Consumer):
    """Drops malformed messages that Celery does not expect.

    Celery would end the worker and give the message back to the broker, so that the next worker ends too.
    """

    connection_errors: tuple[type[Exception], ...]

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
        handle = super().create_task_handler(*args, **kwargs)

        def on_task_received(message: Any) -> None:
            try:
                handle(message)
            except Exception as error:
                # kombu's connection errors include KeyError, with Redis.
                if isinstance(error, self.connection_errors) and not isinstance(error, KeyError):
                    raise
                log.error("A malformed message was dropped: %s", type(error).__name__)
                if not message.acknowledged:
                    message.reject_log_error(log, self.connection_errors)

        return on_task_received
