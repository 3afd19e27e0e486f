from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ConveyorAdminConfig(AdminConfig):
    """Django's admin with `conveyor.admin`'s site. Registers Conveyor's system checks too."""

    default_site = "conveyor.admin.ConveyorAdminSite"

    def ready(self) -> None:
        super().ready()
        from conveyor import celery, checks  # noqa: F401  # importing them registers them


class ConveyorConfig(AppConfig):
    """Conveyor's own commands and static files, and what the apps below it are handed."""

    name = "conveyor"

    def ready(self) -> None:
        from conveyor import observers

        observers.register()
