from django.apps import AppConfig


class DropletsConfig(AppConfig):
    name = "droplets"
    verbose_name = "Droplets"

    def ready(self) -> None:
        from droplets import (  # noqa: F401  # these register
            personal_data,
            signals,
            support,
        )
        from droplets.actions import transitions  # noqa: F401  # registers who stores spilled answers
        from droplets.watchers import webhooks  # noqa: F401  # registers whose secrets are encrypted again
