"""What watchers write."""

from typing import Any

from django.conf import settings
from django.core import signing
from django.urls import reverse

from accounts import notifications
from droplets.models import Delivery, Watcher

_MOST_LINES = 20
_SALT = "droplets.watchers.unsubscribe"


def send_email(delivery: Delivery) -> str:
    """Send it by email. Returns why that failed, "" if it did not."""
    watcher = delivery.watcher
    unsubscribe = settings.BASE_URL + reverse("droplets:watcher_unsubscribe", args=[unsubscribe_key(watcher)])
    headers = {
        # The same at each try, so that an email that comes twice can be recognised.
        "Message-ID": f"<{delivery.pk}@conveyor>",
        "List-Unsubscribe": f"<{unsubscribe}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",  # RFC 8058
    }
    is_accepted = notifications.send(
        "watcher",
        watcher.user,
        headers,
        delivery=delivery,
        watcher=watcher,
        events=[{**event, "text": _line(event)} for event in delivery.events],
        more=delivery.count - len(delivery.events),
        view_url=view_url(watcher),
        watcher_url=watcher_url(watcher),
        unsubscribe_url=unsubscribe,
    )
    return "" if is_accepted else "The mail server did not accept it"


def lines_of(delivery: Delivery) -> list[str]:
    """A line for each of the first events, and how many more there are."""
    lines = [_line(event) for event in delivery.events[:_MOST_LINES]]
    more = delivery.count - len(lines)
    return [*lines, f"and {more} more"] if more > 0 else lines


def _line(event: dict[str, Any]) -> str:
    """Names come from DigitalOcean: none of them may end the line."""
    return " ".join(str(event["text"]).split())


def watcher_url(watcher: Watcher) -> str:
    return settings.BASE_URL + reverse("droplets:watcher", args=[watcher.pk])


def view_url(watcher: Watcher) -> str:
    query = watcher.view.query
    return f"{settings.BASE_URL}{reverse('droplets:fleet')}{'?' if query else ''}{query}"


def unsubscribe_key(watcher: Watcher) -> str:
    return signing.dumps(str(watcher.pk), salt=_SALT)


def find(key: str) -> Watcher | None:
    """The watcher that a link in an email names."""
    try:
        pk = signing.loads(key, salt=_SALT)
    except signing.BadSignature:
        return None
    return Watcher.objects.select_related("view").filter(pk=pk).first()


def unsubscribe(watcher: Watcher) -> None:
    """Send no more emails of this watcher. It is paused if it has no other way to tell."""
    watcher.by_email = False
    if not watcher.channels:
        watcher.is_paused = True
    watcher.save(update_fields=["by_email", "is_paused"])
