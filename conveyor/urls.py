"""Conveyor's root URLs."""

from django.contrib import admin
from django.urls import include, path

from conveyor import views

urlpatterns = [
    path("", views.home, name="home"),
    path("readyz", views.readyz),  # for staff; probes are answered in conveyor.middleware, as is /healthz
    path(".well-known/security.txt", views.security_txt),
    path("accounts/", include("accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("", include("droplets.urls")),
]

handler400 = "conveyor.views.bad_request"
