"""Conveyor's root URLs."""

from django.contrib import admin
from django.urls import include, path

from accounts import data_views
from conveyor import views

urlpatterns = [
    path("", views.home, name="home"),
    path("readyz", views.readyz),  # for staff; probes are answered in conveyor.middleware, as is /healthz
    path(".well-known/security.txt", views.security_txt),
    path("account/history/", data_views.account_history, name="account_history"),
    path("account/data/", data_views.data, name="account_data"),
    path("accounts/", include("accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("", include("droplets.urls")),
]

handler400 = "conveyor.views.bad_request"
