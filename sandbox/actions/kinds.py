"""The types of actions: the scopes and the status that each needs, and how long it takes."""

from __future__ import annotations

from dataclasses import dataclass

RUNNING, STOPPED = frozenset({"active"}), frozenset({"off"})


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of action.

    scopes: what a token needs beyond droplet:update (API reference, "Initiate a Droplet Action").
    statuses: the droplet must have one of these. duration: a multiple of the setting action_seconds.
    """

    scopes: tuple[str, ...] = ()
    statuses: frozenset[str] = RUNNING | STOPPED
    duration: float = 1.0


KINDS = {
    "power_on": Kind(statuses=STOPPED),
    "power_off": Kind(statuses=RUNNING),
    "power_cycle": Kind(statuses=RUNNING),
    "shutdown": Kind(statuses=RUNNING, duration=1.5),
    "reboot": Kind(statuses=RUNNING, duration=1.5),
    "password_reset": Kind(("droplet:admin",)),
    "snapshot": Kind(("image:create",), duration=3),
    "rename": Kind(duration=0.5),
    "resize": Kind(("droplet:create",), STOPPED, duration=2),
    "enable_backups": Kind(duration=0.5),
    "disable_backups": Kind(duration=0.5),
    "change_backup_policy": Kind(duration=0.5),
    "enable_ipv6": Kind(),
    "rebuild": Kind(("droplet:admin",), duration=3),
    "restore": Kind(("droplet:admin",), duration=3),
}
