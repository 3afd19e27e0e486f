from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Users and connections"

    def ready(self) -> None:
        from accounts import (  # noqa: F401  # these register
            list_admin,
            refreshed_pairs,
            reset_admin,
            security_events,
            signals,
        )

        signals.connect()
        security_events.connect()
