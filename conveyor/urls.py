"""Conveyor's addresses."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from conveyor import views

urlpatterns = [
    path("", views.home, name="home"),
    path("healthz", views.healthz),
    path("readyz", views.readyz),
    path("accounts/", include("accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("", include("droplets.urls")),
]

handler400 = "conveyor.views.bad_request"
