"""Django's admin site behind Conveyor's log-in, with its rate limits and second factor."""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.http import HttpRequest, HttpResponse


class ConveyorAdminSite(admin.AdminSite):
    site_header = "Conveyor support"
    site_title = "Conveyor support"
    index_title = "Support desk"
    enable_nav_sidebar = False

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        answer: HttpResponse = secure_admin_login(super().login)(request, extra_context)
        return answer
