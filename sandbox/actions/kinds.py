"""The types of actions: what each needs, and how long it takes beside the others."""

from __future__ import annotations

from dataclasses import dataclass

RUNNING, STOPPED = frozenset({"active"}), frozenset({"off"})


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of action.

    scopes: what a token needs beyond droplet:update (API reference, "Initiate a Droplet Action").
    statuses: in which the droplet may be. pace: how long it takes, as a multiple of the setting action_seconds.
    """

    scopes: tuple[str, ...] = ()
    statuses: frozenset[str] = RUNNING | STOPPED
    pace: float = 1.0


KINDS = {
    "power_on": Kind(statuses=STOPPED),
    "power_off": Kind(statuses=RUNNING),
    "power_cycle": Kind(statuses=RUNNING),
    "shutdown": Kind(statuses=RUNNING, pace=1.5),
    "reboot": Kind(statuses=RUNNING, pace=1.5),
    "password_reset": Kind(("droplet:admin",)),
    "snapshot": Kind(("image:create",), pace=3),
    "rename": Kind(pace=0.5),
    "resize": Kind(("droplet:create",), STOPPED, pace=2),
    "enable_backups": Kind(pace=0.5),
    "disable_backups": Kind(pace=0.5),
    "change_backup_policy": Kind(pace=0.5),
    "enable_ipv6": Kind(),
    "rebuild": Kind(("droplet:admin",), pace=3),
    "restore": Kind(("droplet:admin",), pace=3),
}
