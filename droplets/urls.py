from django.urls import path

from droplets.views import changes, exports, fleet, jobs, watchers
from droplets.views.actions import act, activity, progress
from droplets.views.metrics import graphs
from droplets.views.overview import overview

app_name = "droplets"

urlpatterns = [
    path("droplets/", fleet.fleet, name="fleet"),
    path("droplets.csv", exports.export, {"format": "csv"}, name="csv"),
    path("droplets.json", exports.export, {"format": "json"}, name="json"),
    path("droplets/ansible.yml", exports.export, {"format": "ansible"}, name="ansible"),
    path("droplets/ssh_config", exports.export, {"format": "ssh_config"}, name="ssh_config"),
    path("droplets/views/", fleet.save_view, name="save_view"),
    path("droplets/views/<uuid:view>/delete/", fleet.delete_view, name="delete_view"),
    path("droplets/<uuid:connection>/renew/", fleet.reload_team, name="renew"),
    path("activity/", changes.changes, name="changes"),
    path("activity.csv", changes.download_changes, {"format": "csv"}, name="changes_csv"),
    path("activity.json", changes.download_changes, {"format": "json"}, name="changes_json"),
    path("activity/feed/", changes.feed_address, name="feed_address"),
    path("activity/feed/<str:secret>/", changes.feed, name="feed"),
    path("droplets/<uuid:connection>/<int:droplet>/", overview, name="detail"),
    path("droplets/<uuid:connection>/<int:droplet>/actions/<slug:kind>/", act, name="act"),
    path("droplets/<uuid:connection>/<int:droplet>/activity/", activity, name="activity"),
    path("droplets/<uuid:connection>/<int:droplet>/progress/", progress, name="progress"),
    path("droplets/<uuid:connection>/<int:droplet>/graphs/", graphs, name="graphs"),
    path("watchers/", watchers.watchers, name="watchers"),
    path("watchers/add/", watchers.add_watcher, name="add_watcher"),
    path("watchers/unsubscribe/<str:key>/", watchers.unsubscribe, name="watcher_unsubscribe"),
    path("watchers/<uuid:pk>/", watchers.watcher, name="watcher"),
    path("watchers/<uuid:pk>/delete/", watchers.delete_watcher, name="delete_watcher"),
    path("watchers/<uuid:pk>/pause/", watchers.pause_watcher, name="pause_watcher"),
    path("watchers/<uuid:pk>/secret/", watchers.renew_secret, name="renew_watcher_secret"),
    path("watchers/<uuid:pk>/test/", watchers.test_watcher, name="test_watcher"),
    path("jobs/", jobs.jobs, name="jobs"),
    path("jobs/select/", jobs.select, name="select"),
    path("jobs/under-way/", jobs.under_way, name="jobs_under_way"),
    path("jobs/<uuid:job>/", jobs.job, name="job"),
    path("jobs/<uuid:job>/confirm/", jobs.confirm, name="confirm_job"),
    path("jobs/<uuid:job>/cancel/", jobs.cancel, name="cancel_job"),
    path("jobs/<uuid:job>/retry/", jobs.retry, name="retry_job"),
]
