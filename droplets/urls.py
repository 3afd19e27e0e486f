from __future__ import annotations

from django.urls import path

from droplets import views
from droplets.overview.views import overview

app_name = "droplets"

urlpatterns = [
    path("droplets/", views.fleet, name="fleet"),
    path("droplets/<uuid:connection>/renew/", views.renew, name="renew"),
    path("droplets/<uuid:connection>/<int:droplet>/", overview, name="detail"),
]
