"""`manage.py serve_metrics`: a process of its own, one on each host, for Prometheus."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

from common.commands import Stop, stop_on_signals
from common.exit_codes import ExitCode
from conveyor.state_metrics import StateCollector

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Shows the metrics of this host's processes to Prometheus, on METRICS_LISTEN and METRICS_PORT, until it is "
        "stopped. Exit code: 0 stopped by SIGTERM or SIGINT, 78 METRICS_DIR is not set or cannot be used, or the port "
        "is taken."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        with stop_on_signals() as stop:
            self._serve(stop)

    def _serve(self, stop: Stop) -> None:
        registry = CollectorRegistry()
        registry.register(StateCollector())
        registry.register(_files())
        address = f"{settings.METRICS_LISTEN}:{settings.METRICS_PORT}"
        try:
            server, thread = start_http_server(settings.METRICS_PORT, addr=settings.METRICS_LISTEN, registry=registry)
        except OSError as error:
            raise CommandError(
                f"Cannot listen on {address}: {error.strerror}. Change METRICS_PORT or METRICS_LISTEN.",
                returncode=ExitCode.CONFIGURATION,
            ) from None
        self.stdout.write(f"Metrics: http://{address}/metrics")
        self.stdout.flush()
        never = threading.Event()
        while not stop:
            never.wait(0.5)
        server.shutdown()
        server.server_close()
        thread.join(5)


def _files() -> MultiProcessCollector:
    """The collector of what the processes of this host have counted."""
    if not settings.METRICS_DIR:
        raise CommandError(
            "METRICS_DIR is not set: name a directory that all processes of this host may write to.",
            returncode=ExitCode.CONFIGURATION,
        )
    try:
        Path(settings.METRICS_DIR).mkdir(mode=0o700, parents=True, exist_ok=True)
        return MultiProcessCollector(None, path=settings.METRICS_DIR)  # type: ignore[no-untyped-call]  # theirs
    except (OSError, ValueError) as error:
        raise CommandError(
            f"METRICS_DIR cannot be used: {type(error).__name__}.", returncode=ExitCode.CONFIGURATION
        ) from None
