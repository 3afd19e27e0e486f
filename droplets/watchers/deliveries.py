"""The messages of watchers: gathered, kept in quiet hours, sent, retried for a day.

A message is a row before it is sent. Whoever takes its lease sends it. If that process dies before it has stored how
it ended, the message is sent again, because nobody can know whether it has arrived: its id is the same then.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from allauth.account import app_settings
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from accounts.second_factor_reset import can_be_emailed
from droplets.models import Delivery, Watcher
from droplets.watchers import messages, webhooks

log = logging.getLogger(__name__)

GATHER = timedelta(minutes=1)
"""What happens within it after a first event is told in the same message."""

KEPT = timedelta(days=30)
"""How long the log of a watcher goes back."""

MOST_EVENTS = 100
"""Events that a message has in full. It tells how many more there are."""

TESTS_AN_HOUR = 10

_LEASE = timedelta(minutes=2)  # longer than sending can take
_GIVE_UP = timedelta(days=1)
_LONGEST_PAUSE = timedelta(hours=2)

_Status = Delivery.Status

SEND: dict[str, Callable[[Delivery], str]] = {
    Delivery.Channel.EMAIL: messages.send_email,
    Delivery.Channel.WEBHOOK: webhooks.send,
}
"""How to send by each channel. Returns why it failed, "" if it did not."""


def queue(watcher: Watcher, events: list[dict[str, Any]]) -> None:
    """Store what the watcher has to tell, in messages that nobody has begun to send or in new ones.

    Call it in the transaction that holds the watcher's row.
    """
    now = timezone.now()
    for channel in watcher.channels:
        waiting = Delivery.objects.select_for_update().filter(
            watcher=watcher, channel=channel, status=_Status.WAITING, is_test=False, attempts=0
        )
        delivery = waiting.first() or Delivery(watcher=watcher, channel=channel, created_at=now, due_at=now + GATHER)
        delivery.events = [*delivery.events, *events][:MOST_EVENTS]
        delivery.count += len(events)
        delivery.save()


def queue_test(watcher: Watcher) -> list[UUID]:
    """Store a test message for each channel, and return their keys. No more after `TESTS_AN_HOUR`."""
    now = timezone.now()
    recent = Delivery.objects.filter(
        watcher__user=watcher.user, is_test=True, created_at__gt=now - timedelta(hours=1)
    ).count()
    if recent >= TESTS_AN_HOUR:
        return []
    events = [{"text": f"This is a test of “{watcher}”. Nothing has happened."}]
    common: dict[str, Any] = {"watcher": watcher, "is_test": True, "events": events, "count": 1}
    return [
        Delivery.objects.create(**common, channel=channel, created_at=now, due_at=now).pk
        for channel in watcher.channels
    ]


def can_send_emails() -> bool:
    """Whether this Conveyor can send emails: EMAIL_URL is set. Without it nobody can confirm an address."""
    return bool(app_settings.EMAIL_VERIFICATION == app_settings.EmailVerificationMethod.MANDATORY)


def why_no_emails(user: User) -> str:
    """A sentence that says why watchers send this user no emails; "" where they do."""
    if not can_send_emails():
        return "This Conveyor is set up without email."
    return "" if can_be_emailed(user) else "Your email address is not confirmed."


def due() -> list[UUID]:
    """The messages that are to be sent now and that nobody sends already, the oldest first."""
    return list(_free(timezone.now()).order_by("due_at").values_list("pk", flat=True)[:1000])


def deliver(pk: UUID) -> None:
    """Send this message if it is due and nobody else does, and store how that ended."""
    now = timezone.now()
    delivery = _free(now).select_related("watcher__user", "watcher__view").filter(pk=pk).first()
    if delivery is None:
        return
    if reason := _why_not(delivery):
        _change(delivery, status=_Status.CANCELLED, result=reason, ended_at=now)
        return
    if not delivery.is_test and (until := quiet_until(delivery.watcher, now)):
        _change(delivery, due_at=until)
        return
    lease = {"attempts": delivery.attempts + 1, "lease_until": now + _LEASE}
    if not _change(delivery, **lease, give_up_at=delivery.give_up_at or now + _GIVE_UP):
        return
    delivery.refresh_from_db(fields=["attempts", "give_up_at", "events", "count"])  # more may have been added
    error = SEND[delivery.channel](delivery)
    _store_end(delivery, error)


def quiet_until(watcher: Watcher, now: datetime) -> datetime | None:
    """When the watcher's quiet hours end, if `now` is in them."""
    if watcher.quiet_from is None or watcher.quiet_to is None:
        return None
    local = now.astimezone(ZoneInfo(watcher.time_zone))
    for day in (local.date() - timedelta(days=1), local.date()):
        begin = datetime.combine(day, watcher.quiet_from, local.tzinfo)
        is_over_midnight = watcher.quiet_to <= watcher.quiet_from
        end = datetime.combine(day + timedelta(days=is_over_midnight), watcher.quiet_to, local.tzinfo)
        if begin <= local < end:
            return end
    return None


def delete_old() -> None:
    """Delete the messages that ended longer ago than the log goes back."""
    Delivery.objects.exclude(status=_Status.WAITING).filter(created_at__lt=timezone.now() - KEPT).delete()


def _free(now: datetime) -> Any:
    # A lease that ends later than one taken now was taken before the clock was set back.
    is_free = Q(lease_until=None) | Q(lease_until__lt=now) | Q(lease_until__gt=now + _LEASE)
    return Delivery.objects.filter(is_free, status=_Status.WAITING, due_at__lte=now)


def _why_not(delivery: Delivery) -> str:
    watcher = delivery.watcher
    if not watcher.user.is_active:
        return "The account is deactivated"
    reason = why_no_emails(watcher.user)
    # Where addresses have to be confirmed, a user who has confirmed none is nobody who is known.
    if reason and (delivery.channel == Delivery.Channel.EMAIL or can_send_emails()):
        return reason
    if watcher.is_paused and not delivery.is_test:
        return "The watcher was paused"
    return "" if delivery.channel in watcher.channels else "This way of telling was turned off"


def _change(delivery: Delivery, **fields: Any) -> bool:
    """Update a message that waits, if nobody has tried to send it since it was read."""
    unchanged = Delivery.objects.filter(pk=delivery.pk, status=_Status.WAITING, attempts=delivery.attempts)
    return bool(unchanged.update(**fields))


def _store_end(delivery: Delivery, error: str) -> None:
    now = timezone.now()
    if not error:
        _change(delivery, status=_Status.SENT, result="", ended_at=now, lease_until=None)
        return
    pause = min(timedelta(minutes=2 ** min(delivery.attempts - 1, 10)), _LONGEST_PAUSE)
    is_over = delivery.is_test or delivery.give_up_at is None or now + pause > delivery.give_up_at
    end = {"status": _Status.FAILED, "ended_at": now} if is_over else {"due_at": now + pause}
    _change(delivery, result=error[:200], lease_until=None, **end)
    log.warning("A watcher's message could not be sent", extra={"delivery": str(delivery.pk), "error": error})
