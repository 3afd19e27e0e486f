from django.urls import path

from accounts.provider import views

urlpatterns = [
    path("digitalocean/login/", views.oauth2_login, name="digitalocean_login"),
    path("digitalocean/login/callback/", views.oauth2_callback, name="digitalocean_callback"),
]
