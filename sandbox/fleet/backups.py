"""Backups of droplets: enable them, create them when a window closes, delete old ones, disable them.

Windows follow the clock, not the fixed date that droplets are generated for: a next window must be in the future.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Sequence

from sandbox.clock import epoch, iso
from sandbox.fleet import policies, snapshots
from sandbox.fleet.droplets import Droplet
from sandbox.fleet.fields import list_field
from sandbox.fleet.policies import WINDOW, Policy
from sandbox.fleet.team_resources import Schedule, TeamResources


def enable(resources: TeamResources, droplet: Droplet, policy: Policy, now: float) -> None:
    """Back up the droplet by this policy from now on. Its existing backups stay."""
    old = resources.schedules.get(droplet["id"])
    schedule = Schedule(policy, old.backups if old else [], policy.window(now))
    resources.schedules[droplet["id"]] = schedule
    droplet["features"] = [*_other_features(droplet), "backups"]
    _update_droplet(resources, droplet, schedule)


def disable(resources: TeamResources, droplet: Droplet) -> None:
    """Disable backups and delete the existing ones, as DigitalOcean does; destroying a droplet does the same."""
    schedule = resources.schedules.pop(droplet.get("id", 0), None)
    for image_id in schedule.backups if schedule else []:
        resources.images.pop(image_id, None)
    droplet["features"] = _other_features(droplet)
    droplet["backup_ids"], droplet["next_backup_window"] = [], None


def add_from_droplet(resources: TeamResources, droplet: Droplet, now: float) -> None:
    """Create the backups in a generated droplet's `backup_ids`, dated at the last windows of its policy."""
    policy = implied_policy(droplet)
    if policy is None:
        return
    window = policy.window(now)
    born = epoch(droplet["created_at"]) or 0.0
    ids: Sequence[int] = droplet["backup_ids"]
    schedule = resources.schedules[droplet["id"]] = Schedule(policy, [], window)
    for number, image_id in enumerate(ids):
        opened = window - (len(ids) - number) * policy.period
        if opened > born:
            free = image_id not in resources.images
            _add_backup(resources, droplet, schedule, image_id if free else resources.new_image_id(), opened)
    _update_droplet(resources, droplet, schedule)


def implied_policy(droplet: Droplet) -> Policy | None:
    """The policy that the fields of a droplet imply where it has no schedule; None without backups."""
    if "backups" not in list_field(droplet, "features"):
        return None
    window = droplet.get("next_backup_window")
    start = epoch(window.get("start")) if isinstance(window, dict) else None
    daily = zlib.crc32(f"plan/{droplet.get('id')}".encode()) % 4 == 0
    return policies.DEFAULT if start is None else policies.policy_at("daily" if daily else "weekly", start)


def run_due(resources: TeamResources, droplets: Iterable[Droplet], now: float) -> bool:
    """Create the backups whose windows have closed, and delete old ones. Returns whether a droplet has changed."""
    changed = False
    by_id = {droplet.get("id"): droplet for droplet in droplets}
    for droplet_id, schedule in list(resources.schedules.items()):
        droplet = by_id.get(droplet_id)
        if droplet is None:
            del resources.schedules[droplet_id]
        elif schedule.window + WINDOW <= now:
            untouched = droplet.get("next_backup_window") == _window_json(schedule.window)
            following = schedule.policy.window(now)
            first = max(schedule.window, following - schedule.policy.kept)
            for opened in range(first, following, schedule.policy.period):
                _add_backup(resources, droplet, schedule, resources.new_image_id(), opened)
            schedule.window = following
            _drop_old(resources, schedule)
            if untouched:  # a window that a test has set stays
                _update_droplet(resources, droplet, schedule)
                changed = True
    resources.schedules_due = min((each.window + WINDOW for each in resources.schedules.values()), default=math.inf)
    return changed


def _add_backup(resources: TeamResources, droplet: Droplet, schedule: Schedule, image_id: int, opened: int) -> None:
    moment = opened + 600 + image_id % (WINDOW - 1_200)  # somewhere in the window
    name = f"{droplet.get('name')} {iso(moment)[:10]}"
    snapshots.add_image(resources, droplet, "backup", name, image_id, moment)
    schedule.backups.append(image_id)


def _drop_old(resources: TeamResources, schedule: Schedule) -> None:
    """Keep as many backups as the policy creates within its retention period."""
    kept = schedule.policy.kept // schedule.policy.period
    for image_id in schedule.backups[:-kept]:
        resources.images.pop(image_id, None)
    del schedule.backups[:-kept]


def _other_features(droplet: Droplet) -> list[str]:
    return [each for each in list_field(droplet, "features") if each != "backups"]


def _update_droplet(resources: TeamResources, droplet: Droplet, schedule: Schedule) -> None:
    """Copy the schedule into the droplet's fields."""
    droplet["backup_ids"] = list(schedule.backups)
    droplet["next_backup_window"] = _window_json(schedule.window)
    resources.schedules_due = min(resources.schedules_due, schedule.window + WINDOW)


def _window_json(window: int) -> dict[str, str]:
    return {"start": iso(window), "end": iso(window + WINDOW)}
