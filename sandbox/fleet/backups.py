"""A droplet's backups: begun, made when a window closes, dropped when they are old, ended.

The windows follow the clock, not the world's fixed day: a next window in the past would be no next window.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Sequence

from sandbox.clock import epoch, iso
from sandbox.fleet import policies, snapshots
from sandbox.fleet.droplets import Droplet
from sandbox.fleet.fields import values
from sandbox.fleet.holdings import Holdings, Schedule
from sandbox.fleet.policies import WINDOW, Policy


def begin(holdings: Holdings, droplet: Droplet, policy: Policy, now: float) -> None:
    """Back the droplet up by a policy from now on; what backups it has stay."""
    old = holdings.schedules.get(droplet["id"])
    schedule = Schedule(policy, old.backups if old else [], policy.window(now))
    holdings.schedules[droplet["id"]] = schedule
    droplet["features"] = [*_other_features(droplet), "backups"]
    _tell(holdings, droplet, schedule)


def end(holdings: Holdings, droplet: Droplet) -> None:
    """No more backups; those that there are go, as DigitalOcean says of disabling them and of destroying a droplet."""
    schedule = holdings.schedules.pop(droplet.get("id", 0), None)
    for image_id in schedule.backups if schedule else []:
        holdings.images.pop(image_id, None)
    droplet["features"] = _other_features(droplet)
    droplet["backup_ids"], droplet["next_backup_window"] = [], None


def take_in(holdings: Holdings, droplet: Droplet, now: float) -> None:
    """Date a made-up droplet's backups by the clock: the last windows of its policy, as many as it has backups."""
    policy = of(droplet)
    if policy is None:
        return
    window = policy.window(now)
    born = epoch(droplet["created_at"]) or 0.0
    ids: Sequence[int] = droplet["backup_ids"]
    schedule = holdings.schedules[droplet["id"]] = Schedule(policy, [], window)
    for place, image_id in enumerate(ids):
        opened = window - (len(ids) - place) * policy.period
        if opened > born:
            free = image_id not in holdings.images
            _make(holdings, droplet, schedule, image_id if free else holdings.new_image_id(), opened)
    _tell(holdings, droplet, schedule)


def of(droplet: Droplet) -> Policy | None:
    """The policy that a droplet without a schedule could have, by what it says of itself; None without backups."""
    if "backups" not in values(droplet, "features"):
        return None
    window = droplet.get("next_backup_window")
    start = epoch(window.get("start")) if isinstance(window, dict) else None
    daily = zlib.crc32(f"plan/{droplet.get('id')}".encode()) % 4 == 0
    return policies.DEFAULT if start is None else policies.at("daily" if daily else "weekly", start)


def roll(holdings: Holdings, droplets: Iterable[Droplet], now: float) -> bool:
    """Make the backups whose windows have closed, and drop the old ones. Tells whether a droplet has changed."""
    changed = False
    by_id = {droplet.get("id"): droplet for droplet in droplets}
    for droplet_id, schedule in list(holdings.schedules.items()):
        droplet = by_id.get(droplet_id)
        if droplet is None:
            del holdings.schedules[droplet_id]
        elif schedule.window + WINDOW <= now:
            untouched = droplet.get("next_backup_window") == _shown(schedule.window)
            following = schedule.policy.window(now)
            first = max(schedule.window, following - schedule.policy.kept)
            for opened in range(first, following, schedule.policy.period):
                _make(holdings, droplet, schedule, holdings.new_image_id(), opened)
            schedule.window = following
            _drop_old(holdings, schedule)
            if untouched:  # a test's own idea of the window stays
                _tell(holdings, droplet, schedule)
                changed = True
    holdings.schedules_due = min((each.window + WINDOW for each in holdings.schedules.values()), default=math.inf)
    return changed


def _make(holdings: Holdings, droplet: Droplet, schedule: Schedule, image_id: int, opened: int) -> None:
    moment = opened + 600 + image_id % (WINDOW - 1_200)  # somewhere in the window
    name = f"{droplet.get('name')} {iso(moment)[:10]}"
    snapshots.take(holdings, droplet, "backup", name, image_id, moment)
    schedule.backups.append(image_id)


def _drop_old(holdings: Holdings, schedule: Schedule) -> None:
    """As many are kept as are made in the time that one is kept."""
    kept = schedule.policy.kept // schedule.policy.period
    for image_id in schedule.backups[:-kept]:
        holdings.images.pop(image_id, None)
    del schedule.backups[:-kept]


def _other_features(droplet: Droplet) -> list[str]:
    return [each for each in values(droplet, "features") if each != "backups"]


def _tell(holdings: Holdings, droplet: Droplet, schedule: Schedule) -> None:
    """Let the droplet say what its schedule is."""
    droplet["backup_ids"] = list(schedule.backups)
    droplet["next_backup_window"] = _shown(schedule.window)
    holdings.schedules_due = min(holdings.schedules_due, schedule.window + WINDOW)


def _shown(window: int) -> dict[str, str]:
    return {"start": iso(window), "end": iso(window + WINDOW)}
