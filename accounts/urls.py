from __future__ import annotations

from django.urls import path

from accounts import views

app_name = "accounts"

urlpatterns = [
    # In allauth's place, and under its name there: its own page knows neither states nor teams.
    path("3rdparty/", views.connections, name="connections"),
    path("connections/<uuid:pk>/reconnect/", views.reconnect, name="reconnect"),
    path("connections/<uuid:pk>/disconnect/", views.disconnect, name="disconnect"),
    path("connections/<uuid:pk>/sign-in/", views.sign_in, name="sign_in"),
    path("settings/", views.settings, name="settings"),
    path("delete/", views.delete, name="delete"),
]
