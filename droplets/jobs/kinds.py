"""The kinds of actions that jobs can do."""

from __future__ import annotations

from collections.abc import Iterable

from accounts.models import Connection
from digitalocean_client.schema import Droplet
from droplets.actions.availability import availability_of
from droplets.actions.kinds import KINDS
from droplets.fleet.summary import DropletSummary, tag_key
from droplets.jobs import forms
from droplets.models import Action, Job

JOB_FORMS: dict[str, type[forms.JobForm]] = {
    "power_on": forms.JobForm,
    "reboot": forms.JobForm,
    "shutdown": forms.JobForm,
    "power_cycle": forms.JobForm,
    "power_off": forms.JobForm,
    "snapshot": forms.SnapshotsForm,
    "enable_backups": forms.BackupsForm,
    "disable_backups": forms.JobForm,
    "tag": forms.TagsForm,
    "untag": forms.TagsForm,
    "destroy": forms.DestroyForm,
}
"""The form of each, in the order of the menu."""

JOB_KINDS = {slug: KINDS[slug] for slug in JOB_FORMS}


def why_skipped(job: Job, connection: Connection, droplet: Droplet | DropletSummary, rows: Iterable[Action]) -> str:
    """Why the job does nothing with this droplet, empty where it acts. `rows` are the droplet's actions in flight."""
    tag = tag_key(job.parameters.get("tag", ""))
    if tag and (tag in map(tag_key, droplet.tags or ())) == (job.kind == "tag"):
        return "The droplet already has this tag." if job.kind == "tag" else "The droplet does not have this tag."
    return availability_of(KINDS[job.kind], connection, droplet, rows).why_not
