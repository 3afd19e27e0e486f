"""What the support desk shows and finds of droplets, actions and jobs, for `accounts.support`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.db.models import Q

from accounts.models import Connection, User
from accounts.support import panels, search
from accounts.support.search import MOST, Hit, Words
from droplets.actions import display as action_display
from droplets.jobs import display as job_display
from droplets.models import Action, Change, Job, JobStep

_ACTIONS = 20
_JOBS = 10


def actions_panel(person: User) -> panels.Panel:
    """The latest actions of the person, and those of others in the person's teams."""
    connections = list(Connection.objects.filter(account__user=person).values_list("pk", "team_uuid"))
    teams = [team for _, team in connections if team]
    through = Q(user=person) | Q(connection_id__in=[pk for pk, _ in connections]) | Q(team_uuid__in=teams)
    rows = list(Action.objects.filter(through).select_related("user")[:_ACTIONS])
    shown = action_display.display_rows(rows, person)
    context = {"actions": list(zip(rows, shown, strict=True)), "person": person}
    return panels.Panel("actions", "Actions in their teams", "droplets/support/actions.html", context)


def jobs_panel(person: User) -> panels.Panel:
    """The latest jobs of the person."""
    jobs = Job.objects.filter(user=person).exclude(state=Job.State.DRAFT)[:_JOBS]
    return panels.Panel("jobs", "Jobs", "droplets/support/jobs.html", {"jobs": job_display.display_jobs(jobs)})


def find_actions(words: Words) -> Iterator[Hit]:
    """By Conveyor's id, by DigitalOcean's id or request id, by the droplet's id or name."""
    wanted = Q(request_id=words.text) | Q(droplet_name=words.text)
    if words.uuid:
        wanted |= Q(pk=words.uuid)
    if words.number is not None:
        wanted |= Q(digitalocean_id=words.number) | Q(droplet_id=words.number)
    for row in Action.objects.filter(wanted).exclude(user=None).order_by()[:MOST]:
        if row.user_id:
            yield Hit(row.user_id, f"Action on {row.droplet_name}: {row.kind}, {row.get_status_display().lower()}")


def find_jobs(words: Words) -> Iterator[Hit]:
    """By the job's id, or by the id or name of a droplet in it."""
    wanted = Q(droplet_name=words.text)
    if words.number is not None:
        wanted |= Q(droplet_id=words.number)
    steps = JobStep.objects.filter(wanted).order_by().select_related("team__job")[:MOST]
    for step in steps:
        yield Hit(step.team.job.user_id, f"Job: {step.team.job.kind} of {step.droplet_name}")
    for job in Job.objects.filter(pk=words.uuid)[:1] if words.uuid else ():
        yield Hit(job.user_id, f"Job: {job.kind}")


def find_droplets(words: Words) -> Iterable[Hit]:
    """By the droplet's id or name: whoever is connected to the team that it is in, or was."""
    wanted = Q(droplet_name=words.text)
    if words.number is not None:
        wanted |= Q(droplet_id=words.number)
    changes = Change.objects.filter(wanted).order_by().values_list("team_key", "team_name", "droplet_name")
    found = {team: f"Droplet {name} of {team_name}" for team, team_name, name in changes[:MOST]}
    of_team = Q(team_uuid__in=list(found)) | Q(team_uuid="", user_uuid__in=list(found))
    rows = Connection.objects.filter(of_team).order_by().select_related("account")[:MOST]
    return [Hit(row.account.user_id, found[row.team_key]) for row in rows]


for maker in (actions_panel, jobs_panel):
    panels.register(maker)
for finder in (find_actions, find_jobs, find_droplets):
    search.register(finder)
