"""A staff member at the page that confirms an act of support."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.contrib.messages import get_messages

from accounts.models import Connection, User
from accounts.support import acts
from tests.support.person import Person

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as TestResponse

REASON = "The customer called and asked for it"


def url(code: str, person: User, connection: Connection | None = None) -> str:
    return acts.url_of(acts.ACTS[code], person, connection)


def filled(staff: Person, address: str, reason: str = REASON) -> dict[str, str]:
    """The form of the page as the browser would send it."""
    answer = staff.client.get(address)
    assert answer.status_code == 200, answer.content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="(key|seen)" value="([^"]+)">', answer.content.decode()))
    return {**hidden, "reason": reason}


def act(
    staff: Person, code: str, person: User, connection: Connection | None = None, *, reason: str = REASON
) -> TestResponse:
    """Open the page, type the reason and confirm."""
    address = url(code, person, connection)
    return staff.client.post(address, filled(staff, address, reason))


def messages_of(answer: TestResponse) -> list[str]:
    """What the redirect of the answer will say."""
    return [str(message) for message in get_messages(answer.wsgi_request)]
