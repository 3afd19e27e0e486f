from django.contrib.admin.apps import AdminConfig


class ConveyorAdminConfig(AdminConfig):
    """Django's admin with `conveyor.admin`'s site. Registers Conveyor's system checks too."""

    default_site = "conveyor.admin.ConveyorAdminSite"

    def ready(self) -> None:
        super().ready()
        from conveyor import celery, checks  # noqa: F401  # importing them registers them
