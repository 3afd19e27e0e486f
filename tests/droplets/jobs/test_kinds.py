"""The kinds of jobs that are more than a switch: what they ask for, what they cost, what they send."""

from __future__ import annotations

import pytest

from droplets.jobs.kinds import JOB_KINDS
from droplets.models import Action, Job
from tests.droplets.jobs.many import FIRST, Many
from tests.droplets.views.page import Page

# Works


@pytest.mark.parametrize("kind", [slug for slug, kind in JOB_KINDS.items() if "active" not in kind.statuses])
def test_droplets_that_are_off_are_powered_on(many: Many, kind: str) -> None:
    many.sandbox.droplets("Acme Web", patch=[{"index": at, "set": {"status": "off"}} for at in range(6)])
    many.start(kind)

    many.go_on(times=4)

    assert many.states() == ["done"] * 6


@pytest.mark.parametrize("kind", ["shutdown", "power_cycle", "power_off"])
def test_droplets_that_run(many: Many, kind: str) -> None:
    many.start(kind)

    many.go_on(times=4)

    assert many.states() == ["done"] * 6
    assert {each.type for each in many.sandbox.actions()} == {kind}


def test_each_snapshot_has_the_name_of_its_droplet(many: Many) -> None:
    page = many.preview("snapshot")
    assert "At DigitalOcean's list price of $0.06 for each GB a month, the snapshots cost at most" in page.text
    many.confirm(name="{droplet}-before")

    many.go_on(times=4)

    names = {each.body["name"] for each in many.sandbox.actions()}
    assert names == {f"web-{at}-before" for at in range(6)}


def test_backups_are_enabled_and_disabled(many: Many) -> None:
    many.sandbox.droplets("Acme Web", patch=[{"index": at, "set": {"size": {"price_monthly": 10}}} for at in range(6)])
    page = many.preview("enable_backups")
    assert "Without backups, these droplets cost $60.00 a month." in page.text
    assert "weekly backups add $12.00 a month, daily backups $18.00." in page.text
    many.confirm(plan="weekly", weekday="TUE", hour=8)
    many.go_on(times=4)
    assert many.states() == ["done"] * 6
    policies = [each.body["backup_policy"] for each in many.sandbox.actions()]
    assert policies == [{"plan": "weekly", "weekday": "TUE", "hour": 8}] * 6
    Job.objects.all().delete()

    many.start("disable_backups")
    many.go_on(times=4)
    assert many.states() == ["done"] * 6


def test_tags_are_added_where_they_are_missing(many: Many) -> None:
    many.sandbox.droplets("Acme Web", patch=[{"index": 0, "set": {"tags": ["Blue"]}}])
    many.start("tag", tag="blue")

    many.go_on()

    assert many.states() == ["skipped"] + ["done"] * 5
    assert many.sandbox.counters().by_endpoint["POST /v2/tags/{tag}/resources"] == 5
    Job.objects.all().delete()
    many.start("untag", tag="BLUE")
    many.go_on(times=2)
    assert many.states() == ["done"] * 6


def test_destroying_asks_for_the_word_and_the_number(many: Many) -> None:
    page = many.preview("destroy")
    assert "Type “destroy 6” to confirm" in page.text
    assert page.with_class("btn-danger")

    for typed in ("", "destroy", "6", "destroy 5", "web-0"):
        assert many.confirm(typed=typed).status_code == 422
    assert Job.objects.get().state == "draft"

    assert many.confirm(typed="destroy 6").status_code == 302
    many.go_on(times=2)
    assert many.states() == ["done"] * 6
    assert sorted(each.droplet_id for each in many.sandbox.actions(type="destroy")) == [FIRST + at for at in range(6)]


def test_the_preview_skips_what_has_backups_already(many: Many) -> None:
    many.sandbox.droplets("Acme Web", patch=[{"index": at, "set": {"features": ["backups"]}} for at in (0, 1)])

    page = many.preview("enable_backups")

    assert "Enable backups of 4 droplets?" in page.text
    assert "2 of the selected droplets will be skipped." in page.text
    assert "web-0, web-1" in page.text
    assert "Backups are already enabled." in page.text
    Job.objects.all().delete()
    page = many.preview("disable_backups")
    assert "Disable backups of 2 droplets?" in page.text
    assert "4 droplets" in page.text
    assert "Backups are not enabled." in page.text


# Refuses


def test_destroying_needs_a_recent_login(many: Many) -> None:
    many.select("destroy")
    url = f"/jobs/{Job.objects.get().pk}/confirm/"
    session = many.person.client.session
    session["logged_in_at"] = 0
    session["account_authentication_methods"] = []
    session.save()

    for answer in (many.person.client.get(url), many.person.client.post(url, {"typed": "destroy 6"})):
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert Job.objects.get().state == "draft"


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("snapshot", {"name": ""}),
        ("snapshot", {"name": "a\u202eb"}),
        ("tag", {"tag": "not a tag"}),
        ("tag", {"tag": "../../droplets"}),
        ("enable_backups", {"plan": "hourly"}),
    ],
)
def test_a_form_with_odd_values(many: Many, kind: str, fields: dict[str, str]) -> None:
    many.select(kind)

    assert many.confirm(**fields).status_code == 422
    assert Job.objects.get().state == "draft"


# Handles


def test_backups_that_were_enabled_after_the_preview(many: Many) -> None:
    many.start("enable_backups", plan="daily", hour=4)
    many.sandbox.droplets("Acme Web", patch=[{"index": at, "set": {"features": ["backups"]}} for at in range(6)])

    many.go_on(times=2)

    assert many.states() == ["skipped"] * 6
    assert many.messages() == {"Backups are already enabled."}


def test_a_droplet_that_was_destroyed_before_its_turn(many: Many) -> None:
    many.start("destroy", typed="destroy 6")
    many.sandbox.droplets("Acme Web", remove=1)

    many.go_on(times=2)

    assert sorted(many.states()) == ["done"] * 5 + ["skipped"]
    assert Action.objects.count() == 5


def test_the_page_of_a_job_keeps_what_digitalocean_said(many: Many) -> None:
    many.sandbox.fault("status", path="/resources$", status=422, json={"id": "x", "message": "Too many tags."})
    job = many.start("untag", tag="web")
    many.sandbox.droplets("Acme Web", patch=[{"index": at, "set": {"tags": ["web"]}} for at in range(6)])

    many.go_on(times=3)

    text = Page(many.person.client.get(f"/jobs/{job.pk}/?state=failed")).text
    assert "DigitalOcean refused this: Too many tags." in text
    assert "Retry the 6 failed" in text
