from __future__ import annotations

from django.apps import AppConfig


class DropletsConfig(AppConfig):
    name = "droplets"
    verbose_name = "Droplets"

    def ready(self) -> None:
        from droplets import signals  # noqa: F401  # connects its receivers
