"""The kinds of droplet actions: their texts, their harm, and what they need.

What each does and costs is from https://docs.digitalocean.com/products/droplets/how-to/ and the API's reference
(Droplet Actions), and so are the scopes.
"""

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


@dataclass(frozen=True)
class Kind:
    """`slug` is DigitalOcean's type of action. `title` is its name, `doing` and `done` the names of a started one.

    `command` has a place for the droplet's name, which by default follows the title; the confirm button shows it, and
    the page's title with a question mark. `consequences` are shown before confirming. `scopes` are needed for the
    action, `reads` for its form. `needs` is a feature that the droplet must have, `lacks` one that it must not have.
    """

    slug: str
    group: str
    title: str
    doing: str
    done: str
    command: str = "{title} {name}"
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
        return self.command.format(title=self.title, name=name)

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
    Kind("power_on", _POWER, "Power on", "Powering on", "Powered on",
        statuses=STOPPED),
    Kind("reboot", _POWER, "Reboot", "Rebooting", "Rebooted",
        harm=Harm.INTERRUPTS, statuses=RUNNING,
        consequences=(
            "The operating system shuts down and starts again, so the droplet is not reachable for a short time. If "
            "the system hangs, use a power cycle instead.",
        )),
    Kind("shutdown", _POWER, "Shut down", "Shutting down", "Shut down",
        harm=Harm.INTERRUPTS, statuses=RUNNING,
        consequences=(
            "The operating system is asked to shut down. If it hangs, use “Power off” instead.",
            _BILLED,
        )),
    Kind("power_cycle", _POWER, "Power cycle", "Power cycling", "Power cycled",
        harm=Harm.LOSES_DATA, statuses=RUNNING,
        consequences=(
            "The droplet is switched off and on at once, without shutting down the operating system. Data that is not "
            "yet on the disk is lost, and a file system can be damaged. “Reboot” is safer.",
        )),
    Kind("power_off", _POWER, "Power off", "Powering off", "Powered off",
        harm=Harm.LOSES_DATA, statuses=RUNNING,
        consequences=(
            "The droplet is switched off at once, without shutting down the operating system. Data that is not yet on "
            "the disk is lost, and a file system can be damaged. “Shut down” is safer.",
            _BILLED,
        )),
    Kind("snapshot", _IMAGES, "Take a snapshot", "Taking a snapshot", "Snapshot taken",
        command="Take a snapshot of {name}", scopes=("droplet:update", "image:create"),
        form=forms.SnapshotForm,
        consequences=(
            "A snapshot takes about two minutes for each GB in use. If the droplet runs a database, shut it down "
            "first: data that is not yet on the disk is not in the snapshot.",
            "DigitalOcean bills a snapshot by its size until you delete it. Volumes are not included.",
        )),
    Kind("restore", _IMAGES, "Restore from a backup", "Restoring from a backup", "Restored from a backup",
        command="Restore {name} from a backup", harm=Harm.LOSES_DATA, scopes=_ADMIN, form=forms.RestoreForm,
        consequences=(
            "The backup replaces the disk. Everything written since the backup is lost, and this cannot be undone. To "
            "keep it, take a snapshot first. IP addresses and volumes do not change.",
        )),
    Kind("enable_backups", _IMAGES, "Enable backups", "Enabling backups", "Backups enabled",
        command="Enable backups of {name}", lacks="backups", form=forms.BackupPlanForm,
        consequences=(
            "DigitalOcean makes the backups automatically. Weekly backups cost 20 % of the droplet's price, daily "
            "backups 30 %.",
        )),
    Kind("change_backup_policy", _IMAGES, "Change the backup plan", "Changing the backup plan", "Backup plan changed",
        command="Change the backup plan of {name}", needs="backups", form=forms.ChangeBackupPlanForm,
        consequences=(
            "Weekly backups cost 20 % of the droplet's price, daily backups 30 %.",
        )),
    Kind("disable_backups", _IMAGES, "Disable backups", "Disabling backups", "Backups disabled",
        command="Disable backups of {name}", harm=Harm.LOSES_DATA, needs="backups",
        consequences=(
            "DigitalOcean makes no more backups. Existing backups may be deleted: take a snapshot of what you may "
            "need later.",
        )),
    Kind("rename", _CHANGE, "Rename", "Renaming", "Renamed",
        form=forms.RenameForm,
        consequences=(
            "The droplet's name at DigitalOcean changes, and with it the reverse DNS of its IP addresses. The host "
            "name inside the operating system does not change.",
        )),
    Kind("tag", _CHANGE, "Add a tag", "Adding a tag", "Tag added",
        command="Add a tag to {name}", scopes=("tag:create", "droplet:update"), form=forms.TagForm,
        consequences=(
            "Firewalls and load balancers that use the tag then include the droplet.",
        )),
    Kind("untag", _CHANGE, "Remove a tag", "Removing a tag", "Tag removed",
        command="Remove a tag from {name}", harm=Harm.INTERRUPTS,
        scopes=("tag:delete", "droplet:update"), form=forms.TagForm,
        consequences=(
            "Firewalls and load balancers that use the tag no longer include the droplet.",
        )),
    Kind("resize", _CHANGE, "Resize", "Resizing", "Resized",
        harm=Harm.INTERRUPTS, statuses=STOPPED, scopes=("droplet:update", "droplet:create"),
        reads=("sizes:read", "regions:read"), form=forms.ResizeForm,
        consequences=(
            "Resizing takes about a minute for each GB in use. The droplet stays off until you power it on.",
        )),
    Kind("enable_ipv6", _CHANGE, "Enable IPv6", "Enabling IPv6", "IPv6 enabled",
        command="Enable IPv6 on {name}", lacks="ipv6",
        consequences=(
            "The droplet gets a public IPv6 address at no cost. IPv6 cannot be disabled later. You have to configure "
            "the address in the operating system, and check your firewalls.",
        )),
    Kind("password_reset", _CHANGE, "Reset the root password", "Resetting the root password", "Root password reset",
        command="Reset the root password of {name}", harm=Harm.INTERRUPTS, scopes=_ADMIN,
        consequences=(
            "The droplet is rebooted, and DigitalOcean emails you a new root password. The old password stops "
            "working. SSH keys do not change.",
        )),
    Kind("rebuild", _DANGER, "Rebuild", "Rebuilding", "Rebuilt",
        harm=Harm.DESTROYS, scopes=_ADMIN, reads=("image:read",), form=forms.RebuildForm,
        consequences=(
            "Everything on the disk is deleted and replaced by the image. This cannot be undone. To keep the data, "
            "take a snapshot first.",
            "IP addresses, size, price and volumes do not change.",
        )),
    Kind("destroy", _DANGER, "Destroy", "Destroying", "Destroyed",
        harm=Harm.DESTROYS, scopes=("droplet:delete",), form=forms.TypedNameForm,
        consequences=(
            "The droplet, its disk and its backups are deleted at once, and its public IP addresses are released. "
            "This cannot be undone.",
            "Snapshots, volumes and reserved IPs are not deleted. DigitalOcean bills them until you delete them "
            "there.",
        )),
)  # fmt: skip

KINDS = {kind.slug: kind for kind in _ALL}
"""By slug, in the order of the menu."""
