"""Tags are added and removed like other actions: recorded first, sent once, looked up where the answer is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from droplets.actions import polling, sending, timing, transitions
from droplets.models import Action
from tests.droplets.actions.acting import Acting


def tags(acting: Acting) -> list[str]:
    token = sending.token_of(acting.connection, deadline=9e9)
    found: list[str] = acting.sandbox.get(f"/v2/droplets/{acting.droplet}", str(token)).json()["droplet"]["tags"]
    return found


def follow(acting: Acting) -> None:
    gone = timing.SEND_LEASE + timedelta(seconds=1)
    row = acting.row
    Action.objects.update(ask_at=timezone.now(), sent_at=row.sent_at and row.sent_at - gone)
    due = polling.due(Action.objects.select_related("user"))
    list(polling.follow(acting.connection, due, deadline=9e9))


def test_a_new_tag_is_created_and_added(acting: Acting) -> None:
    acting.change(tags=["web"])

    answer = acting.press("tag", tag="blue:green")

    assert answer.status_code == 302
    assert tags(acting) == ["web", "blue:green"]
    assert acting.row.status == "completed"


def test_a_tag_is_removed(acting: Acting) -> None:
    acting.change(tags=["web", "blue"])

    acting.press("untag", tag="Blue")

    assert tags(acting) == ["web"]
    assert acting.row.status == "completed"


def test_an_odd_name_is_refused(acting: Acting) -> None:
    assert acting.press("tag", tag="../droplets").status_code == 422
    assert not Action.objects.exists()


def test_a_tag_that_does_not_exist_cannot_be_removed(acting: Acting) -> None:
    acting.press("untag", tag="nowhere")

    assert acting.row.status == "refused"


@pytest.mark.parametrize("kind", ["tag", "untag"])
@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_lost_answer_is_looked_up(acting: Acting, monkeypatch: pytest.MonkeyPatch, kind: str, phase: str) -> None:
    monkeypatch.setattr(timing, "LOST_AFTER", timedelta(0))
    acting.change(tags=["web"])
    if kind == "tag":
        acting.press("untag", tag="web")  # the team still has the tag
        Action.objects.all().delete()
    method = "POST" if kind == "tag" else "DELETE"
    acting.sandbox.reset_counters()
    acting.sandbox.fault("reset", path="/resources$", method=method, phase=phase)
    acting.press(kind, tag="web")
    assert acting.row.status == "sending"

    acting.sandbox.clear_faults()
    follow(acting)

    asked = acting.sandbox.counters().by_endpoint[f"{method} /v2/tags/{{tag}}/resources"]
    done = ("web" in tags(acting)) == (kind == "tag")
    assert asked == 1
    assert acting.row.status == ("completed" if done else "lost")
    if not done:
        assert acting.row.words == transitions.NEVER_ARRIVED
