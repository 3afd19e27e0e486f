"""The tables of `droplets`, a file for each subject."""

from droplets.models.actions import Action
from droplets.models.activity_feeds import ActivityFeed
from droplets.models.changes import Change
from droplets.models.jobs import Job, JobStep, JobTeam
from droplets.models.saved_views import SavedView
from droplets.models.team_readings import TeamReading
from droplets.models.watchers import Delivery, Watcher

__all__ = [
    "Action",
    "ActivityFeed",
    "Change",
    "Delivery",
    "Job",
    "JobStep",
    "JobTeam",
    "SavedView",
    "TeamReading",
    "Watcher",
]
