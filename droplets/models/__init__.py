"""The tables of `droplets`, a file for each subject."""

from droplets.models.actions import Action
from droplets.models.saved_views import SavedView

__all__ = ["Action", "SavedView"]
