from __future__ import annotations

from django.urls import path

from droplets import views
from droplets.actions.views import act, activity, progress
from droplets.exports import views as exports
from droplets.graphs.views import graphs
from droplets.overview.views import overview

app_name = "droplets"

urlpatterns = [
    path("droplets/", views.fleet, name="fleet"),
    path("droplets.csv", exports.as_csv, name="csv"),
    path("droplets.json", exports.as_json, name="json"),
    path("droplets/ansible.yml", exports.as_ansible, name="ansible"),
    path("droplets/ssh_config", exports.as_ssh_config, name="ssh_config"),
    path("droplets/views/", views.save_view, name="save_view"),
    path("droplets/views/<uuid:view>/delete/", views.delete_view, name="delete_view"),
    path("droplets/<uuid:connection>/renew/", views.renew, name="renew"),
    path("droplets/<uuid:connection>/<int:droplet>/", overview, name="detail"),
    path("droplets/<uuid:connection>/<int:droplet>/actions/<slug:kind>/", act, name="act"),
    path("droplets/<uuid:connection>/<int:droplet>/activity/", activity, name="activity"),
    path("droplets/<uuid:connection>/<int:droplet>/progress/", progress, name="progress"),
    path("droplets/<uuid:connection>/<int:droplet>/graphs/", graphs, name="graphs"),
]
