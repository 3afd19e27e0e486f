"""The kinds of droplet actions: their texts, their harm, and what they need.

What each does and costs is from https://docs.digitalocean.com/products/droplets/how-to/ and the API's reference
(Droplet Actions), and so are the scopes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from droplets.actions import forms
from droplets.actions.forms import ActionForm

RUNNING, STOPPED = frozenset({"active"}), frozenset({"off"})


class Harm(IntEnum):
    """How much an action can harm. From `LOSES_DATA` on its button is red."""

    NONE = 0
    INTERRUPTS = 1
    LOSES_DATA = 2
    DESTROYS = 3


@dataclass(frozen=True, kw_only=True)
class Kind:
    """`slug` is DigitalOcean's type of action. `title` is its name, `doing` and `done` the names of a started one.

    `command` has a place for the droplet's name; the confirm button shows it, and the page's title with a question
    mark. `consequences` are shown before confirming. `scopes` are needed for the action, `reads` for its form. `needs`
    is a feature that the droplet must have, `lacks` one that it must not have.
    """

    slug: str
    group: str
    title: str
    doing: str
    done: str
    command: str
    consequences: tuple[str, ...] = ()
    harm: Harm = Harm.NONE
    statuses: frozenset[str] = RUNNING | STOPPED
    scopes: tuple[str, ...] = ("droplet:update",)
    reads: tuple[str, ...] = ()
    needs: str = ""
    lacks: str = ""
    form: type[ActionForm] = ActionForm

    def command_for(self, name: str) -> str:
        """“Reboot web-1”."""
        return self.command.format(name=name)

    @property
    def needs_recent_login(self) -> bool:
        """Whether a browser that somebody left open must not be enough: it replaces a disk, a password or all."""
        return "droplet:admin" in self.scopes or self.harm == Harm.DESTROYS

    @property
    def is_destructive(self) -> bool:
        return self.harm >= Harm.LOSES_DATA


_BILLED = "DigitalOcean bills a droplet that is off as before, because it keeps its disk, IP addresses and capacity."
_POWER, _IMAGES, _CHANGE, _DANGER = "Power", "Snapshots and backups", "Change", "Danger"
_ADMIN = ("droplet:update", "droplet:admin")

_ALL = (
    Kind(
        slug="power_on",
        group=_POWER,
        title="Power on",
        doing="Powering on",
        done="Powered on",
        command="Power on {name}",
        statuses=STOPPED,
    ),
    Kind(
        slug="reboot",
        group=_POWER,
        title="Reboot",
        doing="Rebooting",
        done="Rebooted",
        command="Reboot {name}",
        consequences=(
            "The operating system shuts down and starts again, so the droplet is not reachable for a short time. If "
            "the system hangs, use a power cycle instead.",
        ),
        harm=Harm.INTERRUPTS,
        statuses=RUNNING,
    ),
    Kind(
        slug="shutdown",
        group=_POWER,
        title="Shut down",
        doing="Shutting down",
        done="Shut down",
        command="Shut down {name}",
        consequences=(
            "The operating system is asked to shut down. If it hangs, use “Power off” instead.",
            _BILLED,
        ),
        harm=Harm.INTERRUPTS,
        statuses=RUNNING,
    ),
    Kind(
        slug="power_cycle",
        group=_POWER,
        title="Power cycle",
        doing="Power cycling",
        done="Power cycled",
        command="Power cycle {name}",
        consequences=(
            "The droplet is switched off and on at once, without shutting down the operating system. Data that is not "
            "yet on the disk is lost, and a file system can be damaged. “Reboot” is safer.",
        ),
        harm=Harm.LOSES_DATA,
        statuses=RUNNING,
    ),
    Kind(
        slug="power_off",
        group=_POWER,
        title="Power off",
        doing="Powering off",
        done="Powered off",
        command="Power off {name}",
        consequences=(
            "The droplet is switched off at once, without shutting down the operating system. Data that is not yet on "
            "the disk is lost, and a file system can be damaged. “Shut down” is safer.",
            _BILLED,
        ),
        harm=Harm.LOSES_DATA,
        statuses=RUNNING,
    ),
    Kind(
        slug="snapshot",
        group=_IMAGES,
        title="Take a snapshot",
        doing="Taking a snapshot",
        done="Snapshot taken",
        command="Take a snapshot of {name}",
        consequences=(
            "A snapshot takes about two minutes for each GB in use. If the droplet runs a database, shut it down "
            "first: data that is not yet on the disk is not in the snapshot.",
            "DigitalOcean bills a snapshot by its size until you delete it. Volumes are not included.",
        ),
        scopes=("droplet:update", "image:create"),
        form=forms.SnapshotForm,
    ),
    Kind(
        slug="restore",
        group=_IMAGES,
        title="Restore from a backup",
        doing="Restoring from a backup",
        done="Restored from a backup",
        command="Restore {name} from a backup",
        consequences=(
            "The backup replaces the disk. Everything written since the backup is lost, and this cannot be undone. To "
            "keep it, take a snapshot first. IP addresses and volumes do not change.",
        ),
        harm=Harm.LOSES_DATA,
        scopes=_ADMIN,
        form=forms.RestoreForm,
    ),
    Kind(
        slug="enable_backups",
        group=_IMAGES,
        title="Enable backups",
        doing="Enabling backups",
        done="Backups enabled",
        command="Enable backups of {name}",
        consequences=(
            "DigitalOcean makes the backups automatically. Weekly backups cost 20 % of the droplet's price, daily "
            "backups 30 %.",
        ),
        lacks="backups",
        form=forms.EnableBackupsForm,
    ),
    Kind(
        slug="change_backup_policy",
        group=_IMAGES,
        title="Change the backup plan",
        doing="Changing the backup plan",
        done="Backup plan changed",
        command="Change the backup plan of {name}",
        consequences=("Weekly backups cost 20 % of the droplet's price, daily backups 30 %.",),
        needs="backups",
        form=forms.BackupPolicyForm,
    ),
    Kind(
        slug="disable_backups",
        group=_IMAGES,
        title="Disable backups",
        doing="Disabling backups",
        done="Backups disabled",
        command="Disable backups of {name}",
        consequences=(
            "DigitalOcean makes no more backups. Existing backups may be deleted: take a snapshot of what you may need "
            "later.",
        ),
        harm=Harm.LOSES_DATA,
        needs="backups",
    ),
    Kind(
        slug="rename",
        group=_CHANGE,
        title="Rename",
        doing="Renaming",
        done="Renamed",
        command="Rename {name}",
        consequences=(
            "The droplet's name at DigitalOcean changes, and with it the reverse DNS of its IP addresses. The host "
            "name inside the operating system does not change.",
        ),
        form=forms.RenameForm,
    ),
    Kind(
        slug="resize",
        group=_CHANGE,
        title="Resize",
        doing="Resizing",
        done="Resized",
        command="Resize {name}",
        consequences=(
            "Resizing takes about a minute for each GB in use. The droplet stays off until you power it on.",
        ),
        harm=Harm.INTERRUPTS,
        statuses=STOPPED,
        scopes=("droplet:update", "droplet:create"),
        reads=("sizes:read", "regions:read"),
        form=forms.ResizeForm,
    ),
    Kind(
        slug="enable_ipv6",
        group=_CHANGE,
        title="Enable IPv6",
        doing="Enabling IPv6",
        done="IPv6 enabled",
        command="Enable IPv6 on {name}",
        consequences=(
            "The droplet gets a public IPv6 address at no cost. IPv6 cannot be disabled later. You have to configure "
            "the address in the operating system, and check your firewalls.",
        ),
        lacks="ipv6",
    ),
    Kind(
        slug="password_reset",
        group=_CHANGE,
        title="Reset the root password",
        doing="Resetting the root password",
        done="Root password reset",
        command="Reset the root password of {name}",
        consequences=(
            "The droplet is rebooted, and DigitalOcean emails you a new root password. The old password stops working. "
            "SSH keys do not change.",
        ),
        harm=Harm.INTERRUPTS,
        scopes=_ADMIN,
    ),
    Kind(
        slug="rebuild",
        group=_DANGER,
        title="Rebuild",
        doing="Rebuilding",
        done="Rebuilt",
        command="Rebuild {name}",
        consequences=(
            "Everything on the disk is deleted and replaced by the image. This cannot be undone. To keep the data, "
            "take a snapshot first.",
            "IP addresses, size, price and volumes do not change.",
        ),
        harm=Harm.DESTROYS,
        scopes=_ADMIN,
        reads=("image:read",),
        form=forms.RebuildForm,
    ),
    Kind(
        slug="destroy",
        group=_DANGER,
        title="Destroy",
        doing="Destroying",
        done="Destroyed",
        command="Destroy {name}",
        consequences=(
            "The droplet, its disk and its backups are deleted at once, and its public IP addresses are released. This "
            "cannot be undone.",
            "Snapshots, volumes and reserved IPs are not deleted. DigitalOcean bills them until you delete them there.",
        ),
        harm=Harm.DESTROYS,
        scopes=("droplet:delete",),
        form=forms.DestroyForm,
    ),
)

KINDS = {kind.slug: kind for kind in _ALL}
"""By slug, in the order of the menu."""
