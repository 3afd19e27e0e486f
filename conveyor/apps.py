from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class ConveyorAdminConfig(AdminConfig):
    """Django's admin on `conveyor.admin`'s site."""

    default_site = "conveyor.admin.ConveyorAdminSite"
