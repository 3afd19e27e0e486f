"""The pages of jobs: selecting, the preview, confirming, following, cancelling and retrying."""

from __future__ import annotations

import pytest
from django.utils import timezone

from droplets.models import Action, Job, JobStep
from tests.droplets.jobs.many import FIRST, Many
from tests.droplets.views.page import Page
from tests.support.person import Person

# Works


def test_the_fleet_offers_what_jobs_can_do(many: Many) -> None:
    page = Page(many.person.client.get("/droplets/"))

    connection = many.person.connections[0].pk
    ticks = [attrs for _, attrs in page.with_class("tick")]
    assert [each["value"] for each in ticks] == [f"{connection}:{FIRST + at}" for at in range(6)]
    assert "All 6 in the fleet" in page.text
    assert "/jobs/select/" in page.actions()


def test_the_preview_names_what_is_done_and_what_is_skipped(many: Many) -> None:
    many.sandbox.droplets(
        "Acme Web",
        patch=[{"index": 0, "set": {"status": "off"}}, {"index": 1, "set": {"locked": True}}],
    )

    page = many.preview("reboot")

    assert page.status == 200
    assert "Reboot 4 droplets?" in page.text
    assert "2 of the selected droplets will be skipped" in page.text
    assert page.rows[0].endswith("The droplet is off.")
    assert page.rows[1].endswith("Another action is in progress. Wait until it is done.")
    assert many.sent() == 0


def test_a_job_from_the_first_click_to_the_last(many: Many) -> None:
    ticked = [f"{many.person.connections[0].pk}:{FIRST + at}" for at in (1, 3)]
    job = many.start("reboot", selected={"which": "ticked", "d": ticked})
    address = f"/jobs/{job.pk}/"
    assert "0 of 2 ended" in Page(many.person.client.get(address)).text
    assert "Jobs 1 under way" in Page(many.person.client.get("/droplets/")).text

    many.go_on(times=2)

    assert {each.droplet_id for each in many.sandbox.actions()} == {FIRST + 1, FIRST + 3}
    fleet = Page(many.person.client.get("/droplets/"))
    assert "Reboot 2 droplets: 2 done." in fleet.text
    assert "under way" not in fleet.text
    assert "Reboot 2 droplets: 2 done." not in Page(many.person.client.get("/droplets/")).text  # it is said once
    page = Page(many.person.client.get(address))
    assert "2 of 2 ended" in page.text
    assert page.rows == ["web-1 Acme Web Acme Web Done", "web-3 Acme Web Acme Web Done"]
    assert "Reboot 2 droplets" in Page(many.person.client.get("/jobs/")).text


def test_an_open_page_asks_for_the_part_that_changes(many: Many) -> None:
    job = many.start("reboot")

    part = many.person.client.get(f"/jobs/{job.pk}/", headers={"hx-request": "true"}).content.decode()

    assert part.lstrip().startswith('<div class="job" id="job" hx-get=')
    many.go_on(times=4)
    part = many.person.client.get(f"/jobs/{job.pk}/", headers={"hx-request": "true"}).content.decode()
    assert "hx-get" not in part


def test_the_header_of_an_open_page_says_when_a_job_has_ended(many: Many) -> None:
    many.start("reboot")
    page = many.person.client.get("/jobs/under-way/", headers={"hx-request": "true"}).content.decode()
    assert "hx-trigger" in page
    many.go_on(times=4)

    page = many.person.client.get("/jobs/under-way/", headers={"hx-request": "true"}).content.decode()

    assert "hx-trigger" not in page
    assert 'hx-swap-oob="beforeend:#toasts"' in page
    assert "Reboot 6 droplets" in page


def test_all_of_the_page_is_not_all_that_is_found(many: Many) -> None:
    many.sandbox.droplets("Acme Web", count=60)

    many.select("reboot", which="page", query="per_page=50")

    assert JobStep.objects.count() == 50


def test_cancel_keeps_what_was_sent(many: Many) -> None:
    job = many.start("reboot", at_once=2)
    many.work()

    answer = many.person.client.post(f"/jobs/{job.pk}/cancel/", follow=True)

    assert "Cancelled 4 droplets. What was sent goes on." in Page(answer).text
    many.go_on()
    assert many.states() == ["done"] * 2 + ["cancelled"] * 4
    job.refresh_from_db()
    assert job.state == "ended"


def test_a_job_of_which_nothing_was_sent_ends_when_it_is_cancelled(many: Many) -> None:
    job = many.start("reboot")

    many.person.client.post(f"/jobs/{job.pk}/cancel/")

    job.refresh_from_db()
    assert job.state == "ended"


def test_retry_is_a_new_job_for_what_failed(many: Many) -> None:
    many.sandbox.fault("status", path="/actions$", method="POST", status=422, times=2)
    job = many.start("reboot")
    many.go_on(times=4)
    assert sorted(many.states()) == ["done"] * 4 + ["failed"] * 2

    answer = many.person.client.post(f"/jobs/{job.pk}/retry/", follow=True)

    assert "Reboot 2 droplets?" in Page(answer).text
    many.confirm()
    many.go_on(times=2)
    assert Job.objects.filter(state="ended").count() == 2
    assert len(many.sandbox.actions()) == 6


# Refuses


def test_without_write_access_the_preview_leads_to_it_and_back(alice: Person) -> None:
    many = Many(alice)
    connection = many.team("Acme Web", count=2, acting=False)

    page = many.preview("reboot")

    job = Job.objects.get()
    assert "Its 2 droplets will be skipped unless you allow it" in page.text
    assert "None of the selected droplets can be acted on now." in page.text
    callback = many.sandbox.authorize(
        alice.client.post(f"/accounts/connections/{connection.pk}/act/", {"next": f"/jobs/{job.pk}/confirm/"})[
            "Location"
        ],
        user="ada",
        team="Acme Web",
    )
    assert alice.come_back(callback)["Location"] == f"/jobs/{job.pk}/confirm/"
    assert "Reboot 2 droplets?" in Page(alice.client.get(f"/jobs/{job.pk}/confirm/")).text


def test_a_second_click_on_confirm_starts_nothing_again(many: Many) -> None:
    job = many.start("reboot", at_once=20)
    many.work()

    answer = many.confirm(job)

    assert answer["Location"] == f"/jobs/{job.pk}/"
    many.go_on()
    assert many.sent() == 6


def test_a_stale_preview_is_shown_again(many: Many) -> None:
    many.select("reboot")
    job = Job.objects.get()
    url = f"/jobs/{job.pk}/confirm/"

    answer = many.person.client.post(url, {"edition": "of before", "at_once": 5, "pause": 0})

    assert answer.status_code == 409
    assert "The droplets have changed since you opened this page. Nothing was sent." in Page(answer).text
    job.refresh_from_db()
    assert job.state == "draft"


def test_droplets_of_somebody_else_are_not_selected(many: Many, bob: Person) -> None:
    theirs = f"{many.person.connections[0].pk}:{FIRST}"
    Many(bob).team("Northwind", count=1, first=8001)

    answer = bob.client.post("/jobs/select/", {"kind": "reboot", "which": "ticked", "d": [theirs]}, follow=True)

    assert "Select at least one droplet." in Page(answer).text
    assert not Job.objects.exists()


@pytest.mark.parametrize("page", ["", "confirm/", "cancel/", "retry/"])
def test_somebody_elses_job_does_not_exist(many: Many, bob: Person, page: str) -> None:
    job = many.start("reboot")
    url = f"/jobs/{job.pk}/{page}"

    answer = bob.client.post(url) if page else bob.client.get(url)

    assert answer.status_code == 404
    assert many.states() == ["waiting"] * 6


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"kind": ""}, "Choose what to do with the droplets."),
        ({"kind": "rebuild"}, "Choose what to do with the droplets."),
        ({"which": "ticked"}, "Select at least one droplet."),
        ({"query": "q=nothing-like-it"}, "Select at least one droplet."),
    ],
)
def test_a_selection_that_makes_no_job(many: Many, fields: dict[str, str], sentence: str) -> None:
    answer = many.person.client.post("/jobs/select/", {"kind": "reboot", "which": "found", **fields}, follow=True)

    assert sentence in Page(answer).text
    assert not Job.objects.exists()


def test_too_many_droplets_for_a_job(many: Many, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("droplets.jobs.service.MOST", 5)

    answer = many.person.client.post("/jobs/select/", {"kind": "reboot", "which": "found"}, follow=True)

    assert "A job can have 5 droplets at most. These are 6." in Page(answer).text


@pytest.mark.parametrize("fields", [{"at_once": 7}, {"at_once": ""}, {"pause": -1}, {"pause": 4000}, {"pause": "x"}])
def test_a_form_with_odd_values(many: Many, fields: dict[str, object]) -> None:
    many.select("reboot")

    assert many.confirm(**fields).status_code == 422
    assert Job.objects.get().state == "draft"


def test_a_retry_while_the_job_is_under_way(many: Many) -> None:
    job = many.start("reboot")

    many.person.client.post(f"/jobs/{job.pk}/retry/")

    assert Job.objects.count() == 1


# Handles


def test_a_droplet_with_an_action_in_flight_is_skipped(many: Many) -> None:
    connection = many.person.connections[0]
    Action.objects.create(
        user=many.person.user,
        key=connection.pk,
        connection_id=connection.pk,
        team_name="Acme Web",
        droplet_id=FIRST,
        droplet_name="web-0",
        kind="reboot",
        status=Action.Status.SENDING,
        ask_at=timezone.now(),
    )

    assert many.preview("reboot").rows[0].endswith("Another action is in progress.")


def test_a_job_waits_and_says_why(many: Many) -> None:
    job = many.start("reboot")
    many.sandbox.fault("status", path="/v2/droplets/[0-9]+$", method="GET", status=503)
    many.work()

    page = Page(many.person.client.get(f"/jobs/{job.pk}/"))

    assert "Acme Web waits: DigitalOcean is having trouble answering. Conveyor tries again" in page.text


def test_a_disconnected_team_is_skipped_by_the_preview(many: Many) -> None:
    many.select("reboot")
    many.person.client.post(f"/accounts/connections/{many.person.connections[0].pk}/disconnect/")

    page = Page(many.person.client.get(f"/jobs/{Job.objects.get().pk}/confirm/"))

    assert page.rows[0].endswith("The droplet is no longer in your fleet.")
    assert "None of the selected droplets can be acted on now." in page.text
