"""What can be done to a droplet: each kind of action, its words, its harm, and what it needs.

What each does and costs is from https://docs.digitalocean.com/products/droplets/how-to/ and the API's reference
(Droplet Actions), the scopes likewise.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from droplets.actions import forms
from droplets.actions.forms import ActionForm

RUNNING, STOPPED = frozenset({"active"}), frozenset({"off"})


class Harm(IntEnum):
    """What an action can cost; a page asks in proportion. From `LOSES_DATA` on it is red."""

    NONE = 0
    INTERRUPTS = 1
    LOSES_DATA = 2
    DESTROYS = 3


@dataclass(frozen=True, kw_only=True)
class Kind:
    """`slug` is DigitalOcean's type of action. The words: `title` on a button, `doing` and `done` of one that is there.

    `question` is put about a droplet's name, and `consequences` are what to know before. `scopes` are what DigitalOcean
    wants for it, `reads` what its form must see beforehand. `needs` names a feature that the droplet must have, `lacks`
    one that it must not have yet.
    """

    slug: str
    group: str
    title: str
    doing: str
    done: str
    question: str
    consequences: tuple[str, ...] = ()
    harm: Harm = Harm.NONE
    statuses: frozenset[str] = RUNNING | STOPPED
    scopes: tuple[str, ...] = ("droplet:update",)
    reads: tuple[str, ...] = ()
    needs: str = ""
    lacks: str = ""
    form: type[ActionForm] = ActionForm

    def ask(self, name: str) -> str:
        """The question about a droplet of this name."""
        return self.question.format(name=name)

    @property
    def is_red(self) -> bool:
        return self.harm >= Harm.LOSES_DATA


_BILLED = "While it is off it is billed as before: its disk, its addresses and its place are kept."
_POWER, _IMAGES, _CHANGE, _DANGER = "Power", "Snapshots and backups", "Change", "Danger"
_ADMIN = ("droplet:update", "droplet:admin")

_ALL = (
    Kind(
        slug="power_on",
        group=_POWER,
        title="Power on",
        doing="Powering on",
        done="Powered on",
        question="Power on {name}?",
        statuses=STOPPED,
    ),
    Kind(
        slug="reboot",
        group=_POWER,
        title="Reboot",
        doing="Rebooting",
        done="Rebooted",
        question="Reboot {name}?",
        consequences=(
            "Its operating system is asked to shut down and start again, so what it serves is away for a moment. A "
            "system that hangs may not follow; a power cycle does not ask.",
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
        question="Shut down {name}?",
        consequences=(
            "Its operating system is asked to shut down, as with a short press on a power button. A system that hangs "
            "may not follow; powering off does not ask.",
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
        question="Pull the plug of {name}, and put it back?",
        consequences=(
            "The operating system is not asked. What programs have not written to the disk yet is lost, and a file "
            "system can be damaged. A reboot asks first.",
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
        question="Pull the plug of {name}?",
        consequences=(
            "The operating system is not asked. What programs have not written to the disk yet is lost, and a file "
            "system can be damaged. Shutting down asks first.",
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
        question="Take a snapshot of {name}?",
        consequences=(
            "It takes about two minutes for each GB that is in use. Of a running droplet it is as if the plug had been "
            "pulled at that moment: shut it down first where a database must be whole.",
            "DigitalOcean bills a snapshot by its size until you delete it. Volumes are not in it.",
        ),
        scopes=("droplet:update", "image:create"),
        form=forms.SnapshotForm,
    ),
    Kind(
        slug="restore",
        group=_IMAGES,
        title="Restore a backup",
        doing="Restoring a backup",
        done="Backup restored",
        question="Put {name} back to a backup?",
        consequences=(
            "The disk is replaced by the backup: what was written since is lost, and that cannot be undone. Take a "
            "snapshot first to keep it. Addresses stay, and volumes are not touched.",
        ),
        harm=Harm.LOSES_DATA,
        scopes=_ADMIN,
        form=forms.RestoreForm,
    ),
    Kind(
        slug="enable_backups",
        group=_IMAGES,
        title="Switch backups on",
        doing="Switching backups on",
        done="Backups switched on",
        question="Switch backups of {name} on?",
        consequences=(
            "DigitalOcean makes them by itself, and bills them on top of the droplet's price: 20 % of it for weekly "
            "backups, 30 % for daily ones.",
        ),
        lacks="backups",
        form=forms.EnableBackupsForm,
    ),
    Kind(
        slug="change_backup_policy",
        group=_IMAGES,
        title="Change when backups are made",
        doing="Changing the backup plan",
        done="Backup plan changed",
        question="When shall backups of {name} be made?",
        consequences=("Weekly backups cost 20 % of the droplet's price on top of it, daily ones 30 %.",),
        needs="backups",
        form=forms.BackupPolicyForm,
    ),
    Kind(
        slug="disable_backups",
        group=_IMAGES,
        title="Switch backups off",
        doing="Switching backups off",
        done="Backups switched off",
        question="Switch backups of {name} off?",
        consequences=(
            "No further backups are made. Do not count on those that there are: take a snapshot of what you may have "
            "to go back to.",
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
        question="Rename {name}?",
        consequences=(
            "Only DigitalOcean's name of it changes, and with it the reverse DNS of its addresses; the host name that "
            "its operating system knows stays.",
        ),
        form=forms.RenameForm,
    ),
    Kind(
        slug="resize",
        group=_CHANGE,
        title="Resize",
        doing="Resizing",
        done="Resized",
        question="Which size shall {name} have?",
        consequences=(
            "It stays off while it is resized, about a minute for each GB that is in use, and afterwards until you "
            "power it on.",
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
        title="Switch IPv6 on",
        doing="Switching IPv6 on",
        done="IPv6 switched on",
        question="Switch IPv6 of {name} on?",
        consequences=(
            "It gets a public IPv6 address, at no cost, and that cannot be switched off again. Its operating system "
            "has to be told of the address by hand, and firewalls have to know it.",
        ),
        lacks="ipv6",
    ),
    Kind(
        slug="password_reset",
        group=_CHANGE,
        title="Reset the root password",
        doing="Resetting the root password",
        done="Root password reset",
        question="Reset the root password of {name}?",
        consequences=(
            "It is rebooted, and DigitalOcean sends a new root password by e-mail. The old one works no more; SSH keys "
            "stay as they are.",
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
        question="Wipe {name} and rebuild it?",
        consequences=(
            "Everything on its disk is deleted, and replaced by the image. That cannot be undone: take a snapshot "
            "first to keep it.",
            "Its addresses, its size and its price stay, and volumes are not touched.",
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
        question="Destroy {name}?",
        consequences=(
            "The droplet, everything on its disk and its backups are deleted at once, and its public addresses go back "
            "to DigitalOcean. Nobody can undo that.",
            "Its snapshots, volumes and reserved addresses stay, and are billed until you delete them at DigitalOcean.",
        ),
        harm=Harm.DESTROYS,
        scopes=("droplet:delete",),
        form=forms.DestroyForm,
    ),
)

KINDS = {kind.slug: kind for kind in _ALL}
"""By slug, in the order of the menu."""
