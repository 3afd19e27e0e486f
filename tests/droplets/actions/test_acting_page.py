"""The pages that confirm an action and send it."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import Connection
from droplets.actions import sending
from droplets.actions.kinds import KINDS
from droplets.calls import droplet as droplet_calls
from droplets.models import Action
from tests.droplets.actions.acting import DROPLET, Acting
from tests.droplets.views.page import Page
from tests.support.at_once import at_once, tab
from tests.support.pages import says
from tests.support.person import Person

ORDER = {"path": "/v2/droplets/[0-9]+/actions$", "method": "POST"}
ONE = "/v2/droplets/[0-9]+$"
FORMS: dict[str, dict[str, Any]] = {
    "snapshot": {"name": "before-upgrade"},
    "rename": {"name": "db-1.example.com"},
    "enable_backups": {"plan": "weekly", "weekday": "TUE", "hour": "8"},
    "destroy": {"typed": "db-primary"},
}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "TIMEOUT", 1.0)


def key_of(page: Page) -> str:
    return next(attrs["value"] for tag, attrs in page.tags if tag == "input" and attrs.get("name") == "key")


def value_of(page: Page, name: str) -> str:
    return next(attrs.get("value", "") for tag, attrs in page.tags if tag == "input" and attrs.get("name") == name)


def ready(acting: Acting, kind: str) -> None:
    """The droplet as this kind needs it."""
    status = "active" if "active" in KINDS[kind].statuses else "off"
    acting.change(status=status, features=[KINDS[kind].needs or "monitoring"])


# Works


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_asks_first(acting: Acting, kind: str) -> None:
    ready(acting, kind)

    page = acting.open(kind)

    assert page.status == 200
    assert f"{KINDS[kind].command_for('db-primary')}?" in page.text
    assert all(consequence in page.text for consequence in KINDS[kind].consequences)
    assert (
        bool(page.with_class("btn-danger")) == KINDS[kind].is_destructive or kind == "restore"
    )  # which has no backup yet
    assert not acting.done()


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"tag", "untag", "destroy", "resize", "restore", "rebuild"}))
def test_each_kind_is_done(acting: Acting, kind: str) -> None:
    ready(acting, kind)
    if KINDS[kind].needs:
        acting.change(status="active", features=[])
        acting.press("enable_backups", **FORMS["enable_backups"])
        acting.sandbox.forward(60)
    fields = FORMS["enable_backups"] if kind == "change_backup_policy" else FORMS.get(kind, {})

    answer = acting.press(kind, **fields)

    assert (answer.status_code, answer["Location"]) == (302, acting.address)
    assert acting.done()[-1].type == kind
    acting.sandbox.forward(60)
    Action.objects.exclude(ask_at=None).update(ask_at="2026-01-01T00:00Z")
    page = Page(acting.person.client.get(acting.address))
    assert f"{KINDS[kind].done}" in page.text
    assert Action.objects.filter(kind=kind).first().status == "completed"


def test_destroying_leads_to_the_fleet(acting: Acting) -> None:
    answer = acting.press("destroy", **FORMS["destroy"])

    assert answer["Location"] == "/droplets/"
    assert says(acting.person.client.get("/droplets/"), "db-primary is destroyed.")
    assert acting.done("destroy")


def test_a_size_is_chosen_from_those_that_the_droplet_can_have(acting: Acting) -> None:
    acting.change(
        status="off",
        size_slug="s-1vcpu-1gb",
        disk=25,
        memory=1024,
        vcpus=1,
        size={"slug": "s-1vcpu-1gb", "price_monthly": 6.0},
        region={"slug": "nyc3", "name": "New York 3"},
    )

    page = acting.open("resize")

    token = acting.sandbox.live_grants()[-1].access_token
    all_sizes = acting.sandbox.get("/v2/sizes", token, per_page=200).json()["sizes"]
    wanted = {
        size["slug"]
        for size in all_sizes
        if size["available"] and "nyc3" in size["regions"] and size["disk"] >= 25 and "gpu_info" not in size
    } - {"s-1vcpu-1gb"}
    offered = {attrs["value"] for tag, attrs in page.tags if tag == "input" and attrs.get("type") == "radio"}
    assert offered == wanted
    row = next(row for row in page.rows if row.startswith("s-2vcpu-4gb "))
    assert re.search(r" 2 4 GB 80 GB \$24\.00 \+\$18\.00 \+\$18\.00$", row)
    assert "cannot shrink" in page.text

    acting.press("resize", size="s-2vcpu-4gb", disk="on")

    assert acting.done("resize")[0].body == {"type": "resize", "size": "s-2vcpu-4gb", "disk": True}


def test_an_image_is_chosen_and_the_name_typed(acting: Acting) -> None:
    acting.press("snapshot", name="golden")
    acting.sandbox.forward(60)
    page = acting.open("rebuild")
    assert "golden" in page.text
    values = [attrs["value"] for tag, attrs in page.tags if tag == "option"]
    own = values[-1]
    assert own.isdigit()
    assert any(value.startswith("ubuntu-") for value in values)

    acting.press("rebuild", image=own, typed="db-primary")

    assert acting.done("rebuild")[0].body == {"type": "rebuild", "image": int(own)}


def test_a_backup_is_chosen(acting: Acting) -> None:
    acting.press("enable_backups", plan="daily", hour="4")
    acting.sandbox.forward(3 * 86_400)
    page = acting.open("restore")
    backup = value_of(page, "image")

    acting.press("restore", image=backup)

    assert acting.done("restore")[0].body == {"type": "restore", "image": int(backup)}


def test_the_parameters_are_stored(acting: Acting) -> None:
    acting.press("enable_backups", **FORMS["enable_backups"])

    assert acting.row.parameters == {"backup_policy": {"plan": "weekly", "weekday": "TUE", "hour": 8}}
    assert acting.done()[0].body == {"type": "enable_backups", **acting.row.parameters}


def test_progress_is_on_the_droplets_page_until_it_is_over(acting: Acting) -> None:
    acting.press("reboot")
    page = Page(acting.person.client.get(acting.address))
    assert "Rebooting In progress You" in page.text
    address = next(attrs["hx-get"] for _, attrs in page.tags if "hx-get" in attrs)

    answer = acting.person.client.get(address, headers={"HX-Request": "true"})
    assert "Rebooting" in answer.content.decode()
    assert "HX-Refresh" not in answer

    acting.sandbox.forward(60)
    Action.objects.update(ask_at="2026-01-01T00:00Z")
    answer = acting.person.client.get(address, headers={"HX-Request": "true"})
    assert answer["HX-Refresh"] == "true"
    assert "Rebooted Done You" in Page(acting.person.client.get(acting.address)).text


def test_without_javascript_looking_again_is_a_link(acting: Acting) -> None:
    acting.press("reboot")
    address = f"{acting.address}progress/"

    assert f'href="{address}"' in Page(acting.person.client.get(acting.address)).html
    assert acting.person.client.get(address)["Location"] == acting.address


# Refuses


def test_it_requires_login(acting: Acting) -> None:
    for answer in (Client().get(f"{acting.address}actions/reboot/"), Client().post(f"{acting.address}actions/reboot/")):
        assert answer["Location"].startswith("/accounts/login/")
    assert not acting.done()


def test_it_takes_no_form_of_another_site(acting: Acting) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies.update(acting.person.client.cookies)

    answer = strict.post(f"{acting.address}actions/reboot/", {"key": str(uuid4())})

    assert answer.status_code == 403
    assert not acting.done()


@pytest.mark.parametrize("path", ["actions/reboot/", "activity/", "progress/"])
def test_somebody_elses_connection_is_not_there(acting: Acting, bob: Person, path: str) -> None:
    assert bob.client.get(acting.address + path).status_code == 404
    assert bob.client.post(acting.address + path, {"key": str(uuid4())}).status_code in (404, 405)
    assert not acting.done()


def test_another_teams_droplet_cannot_be_acted_on(acting: Acting, bob: Person) -> None:
    theirs = bob.connect("Hopper Labs")
    token = acting.sandbox.live_grants()[-1].access_token
    [foreign, *_] = acting.sandbox.get("/v2/droplets", token).json()["droplets"]

    answer = acting.person.client.post(
        f"/droplets/{acting.connection.pk}/{foreign['id']}/actions/reboot/", {"key": str(uuid4())}
    )

    assert answer.status_code == 404
    assert theirs.team_name == "Hopper Labs"
    assert not acting.sandbox.actions()


@pytest.mark.parametrize("kind", ["create", "drop-table", "change_kernel", "POWER_OFF"])
def test_what_is_no_kind_is_not_there(acting: Acting, kind: str) -> None:
    assert acting.open(kind).status == 404
    assert acting.press(kind).status_code == 404


@pytest.mark.parametrize(
    ("change", "kind", "why"),
    [
        ({"locked": True}, "reboot", "Another action is in progress."),
        ({"status": "off"}, "reboot", "The droplet is off."),
        ({"status": "active"}, "power_on", "The droplet is already on."),
        ({"status": "active"}, "resize", "Shut the droplet down first."),
        ({"status": "new"}, "destroy", "The droplet is still being created."),
        ({"status": "archive"}, "power_on", "The droplet is archived."),
        ({"status": "dreaming"}, "power_on", "does not say whether the droplet is on"),
        ({"features": ["backups"]}, "enable_backups", "Backups are already enabled."),
        ({"features": []}, "disable_backups", "Backups are not enabled."),
        ({"features": ["ipv6"]}, "enable_ipv6", "IPv6 is already enabled."),
    ],
)
def test_an_outdated_page_says_why_and_keeps_the_input(
    acting: Acting, change: dict[str, Any], kind: str, why: str
) -> None:
    acting.change(**change)
    assert why in acting.open(kind).text

    answer = acting.press(kind, **FORMS.get(kind, {}))

    assert answer.status_code == 409
    assert says(answer, why, "Nothing was sent.")
    for name, value in FORMS.get(kind, {}).items():
        assert value in answer.content.decode(), name
    assert not acting.done()
    assert not Action.objects.exists()


@pytest.mark.parametrize("typed", ["", "db-primar", "DB-PRIMARY", "destroy"])
@pytest.mark.parametrize("kind", ["destroy", "rebuild"])
def test_the_name_has_to_be_typed(acting: Acting, kind: str, typed: str) -> None:
    answer = acting.press(kind, typed=typed, image="ubuntu-24-04-x64")

    assert answer.status_code == 422
    assert not acting.done()


@pytest.mark.parametrize(
    ("kind", "fields", "why"),
    [
        ("rename", {"name": "db\x00primary"}, "Null characters are not allowed"),
        ("rename", {"name": "db\nprimary"}, "Use only letters"),
        ("rename", {"name": "db-primary\u202e"}, "Use only letters"),
        ("rename", {"name": "ends-in-"}, "Use only letters"),
        ("rename", {"name": "x" * 256}, "at most 255"),
        ("rename", {"name": ""}, "Give the droplet a name."),
        ("rename", {"name": "db-primary"}, "already has this name"),
        ("snapshot", {"name": "a\x07b"}, "cannot be displayed"),
        ("snapshot", {"name": " "}, "Give the snapshot a name."),
        ("resize", {"size": "s-999vcpu-1tb"}, "is not available"),
        ("resize", {"size": ""}, "Choose a size."),
        ("restore", {"image": "17"}, "This backup does not exist"),
        ("restore", {"image": "x" * 5000}, "This backup does not exist"),
        ("rebuild", {"image": "windows-95", "typed": "db-primary"}, "is not available"),
        ("enable_backups", {"plan": "hourly", "hour": "4"}, "hourly"),
        ("enable_backups", {"plan": "weekly", "weekday": "", "hour": "4"}, "Choose a day."),
        ("enable_backups", {"plan": "daily", "hour": "5"}, "5"),
    ],
)
def test_invalid_input_is_explained_and_kept(acting: Acting, kind: str, fields: dict[str, str], why: str) -> None:
    acting.change(status="off")

    answer = acting.press(kind, **fields)

    assert answer.status_code == 422
    assert says(answer, why)
    assert not acting.done()
    assert not Action.objects.exists()
    if kind in ("rename", "snapshot") and fields["name"].isprintable():
        assert value_of(Page(answer), "name") == fields["name"]


@pytest.mark.parametrize("key", ["", "1", "not-a-key", "x" * 5000, None])
def test_a_form_without_its_key_has_to_be_sent_again(acting: Acting, key: str | None) -> None:
    fields = {"name": "before-upgrade"} | ({} if key is None else {"key": key})

    answer = acting.person.client.post(f"{acting.address}actions/snapshot/", fields)

    page = Page(answer)
    assert answer.status_code == 422
    assert "too old or was changed" in page.text
    assert not acting.done()
    again = acting.press("snapshot", key=key_of(page), name=value_of(page, "name"))
    assert again.status_code == 302
    assert acting.done()[0].body["name"] == "before-upgrade"


def test_a_form_that_is_sent_again_does_nothing_again(acting: Acting) -> None:
    key = str(uuid4())
    acting.press("reboot", key=key)

    for kind in ("reboot", "power_off"):  # also one that was changed on the way
        answer = acting.press(kind, key=key)
        assert answer["Location"] == acting.address

    assert says(acting.person.client.get(acting.address), "nothing was sent again")
    assert [acted.type for acted in acting.done()] == ["reboot"]


@pytest.mark.django_db(transaction=True)
def test_a_double_click_is_one_action(acting: Acting) -> None:
    key = str(uuid4())
    other = Acting(tab(acting.person), acting.connection)
    acting.sandbox.settings(latency_ms=100)

    answers = at_once(*[lambda each=each: each.press("reboot", key=key) for each in (acting, other)])

    assert [answer.status_code for answer in answers] == [302, 302]
    assert len(acting.done()) == 1
    assert Action.objects.count() == 1


@pytest.mark.parametrize(("kind", "fields"), [("reboot", {}), ("rename", {"name": "db-2"})])
def test_the_second_half_of_a_double_click_is_led_to_what_the_first_began(
    acting: Acting, monkeypatch: pytest.MonkeyPatch, kind: str, fields: dict[str, str]
) -> None:
    key, read = str(uuid4()), droplet_calls.fetch_droplet_with

    def late(*args: Any, **options: Any) -> Any:
        """The first half is done while the second is about to look at the droplet."""
        monkeypatch.setattr(droplet_calls, "fetch_droplet_with", read)
        acting.press(kind, key=key, **fields)
        if kind == "rename":
            acting.sandbox.forward(60)  # so that the form would find the new name
        return read(*args, **options)

    monkeypatch.setattr(droplet_calls, "fetch_droplet_with", late)

    assert acting.press(kind, key=key, **fields)["Location"] == acting.address
    assert len(acting.done()) == 1


@pytest.mark.django_db(transaction=True)
def test_two_tabs_are_one_action_and_one_refusal(acting: Acting) -> None:
    other = Acting(tab(acting.person), acting.connection)

    answers = at_once(*[lambda each=each: each.press("reboot") for each in (acting, other)])

    assert len(acting.done()) == 1
    assert sorted(answer.status_code for answer in answers) in ([302, 409], [302, 422])


# Handles


def test_digitaloceans_refusal_is_shown_and_the_input_is_kept(acting: Acting) -> None:
    words = {"id": "unprocessable_entity", "message": "Snapshot limit reached <b>", "request_id": "r-1"}
    acting.sandbox.fault("status", **ORDER, status=422, json=words)
    key = str(uuid4())

    answer = acting.press("snapshot", key=key, name="before-upgrade")

    page = Page(answer)
    assert page.status == 422
    assert says(answer, "DigitalOcean refused this: Snapshot limit reached <b>", "Request id", acting.row.request_id)
    assert "<b>" not in page.html.split("Snapshot limit reached")[1][:20]
    assert value_of(page, "name") == "before-upgrade"
    assert key_of(page) != key
    acting.sandbox.clear_faults()
    assert acting.press("snapshot", key=key_of(page), name="before-upgrade").status_code == 302
    assert len(acting.done()) == 1


def test_a_size_that_is_sold_out_is_refused_in_digitaloceans_words(acting: Acting) -> None:
    acting.change(status="off")
    page = acting.open("resize")
    size = value_of(page, "size")
    acting.sandbox.fault("status", **ORDER, status=422, json={"message": "This size is not available."})

    answer = acting.press("resize", size=size)

    assert says(answer, "This size is not available.")
    checked = [attrs["value"] for tag, attrs in Page(answer).tags if tag == "input" and "checked" in attrs]
    assert checked == [size]


def test_a_droplet_that_was_destroyed_meanwhile_has_its_own_page(acting: Acting) -> None:
    acting.sandbox.droplets("Acme Web", count=0)

    answer = acting.press("reboot")

    assert answer.status_code == 404
    assert says(answer, "Acme Web has no droplet 4711.")
    assert not Action.objects.exists()


@pytest.mark.parametrize(("fault", "more"), [("status", {"status": 503}), ("hang", {}), ("html", {"status": 200})])
def test_while_the_droplet_cannot_be_read_nothing_is_sent_and_nothing_typed_is_lost(
    acting: Acting, settings: Any, fault: str, more: dict[str, Any]
) -> None:
    settings.PAGE_DEADLINE = 0.8
    acting.sandbox.fault(fault, path=ONE, method="GET", **more)
    key = str(uuid4())

    page = Page(acting.press("snapshot", key=key, name="before-upgrade"))

    assert page.status == 502
    assert "Nothing was sent" in page.text
    assert (value_of(page, "key"), value_of(page, "name")) == (key, "before-upgrade")
    assert not Action.objects.exists()
    acting.sandbox.clear_faults()
    acting.press("snapshot", key=value_of(page, "key"), name=value_of(page, "name"))
    assert len(acting.done()) == 1


def test_while_sizes_cannot_be_read_none_can_be_chosen(acting: Acting) -> None:
    acting.change(status="off")
    acting.sandbox.fault("status", path="/v2/sizes", status=500)

    page = acting.open("resize")

    assert page.status == 200
    assert "could not be loaded" in page.text
    assert not page.with_class("btn-primary")
    assert acting.press("resize", size="s-1vcpu-1gb").status_code == 422


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_lost_answer_is_shown_and_looked_up(acting: Acting, phase: str) -> None:
    acting.sandbox.fault("reset", **ORDER, phase=phase)

    answer = acting.press("reboot")

    assert answer["Location"] == acting.address
    page = Page(acting.person.client.get(acting.address))  # which looks it up already
    assert ("In progress" if phase == "after" else "does not send it a second time") in page.text
    assert len(acting.done()) == (phase == "after")
    if phase == "before":
        assert "has not confirmed the last action yet" in page.text
        assert acting.press("reboot").status_code == 409


def test_a_403_names_the_scopes(acting: Acting) -> None:
    acting.sandbox.fault("status", **ORDER, status=403)

    answer = acting.press("snapshot", name="x")

    assert answer.status_code == 422
    assert says(answer, "droplet:update and image:create", "was granted read write")


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (403, {"id": "forbidden", "message": "Your account has been locked."}, "Your account has been locked."),
        (422, {"id": "unprocessable_entity", "message": "Not valid.", "errors": ["Name is taken."]}, "Name is taken."),
    ],
)
def test_digitaloceans_own_words_are_on_the_form_and_the_result(
    acting: Acting, status: int, body: dict[str, Any], words: str
) -> None:
    acting.sandbox.fault("status", **ORDER, status=status, json=body)

    assert says(acting.press("snapshot", name="x"), words)

    assert words in Page(acting.person.client.get(f"{acting.address}activity/")).rows[0]


def test_a_droplet_with_a_hostile_name_can_be_destroyed(acting: Acting) -> None:
    acting.change(name='<script>alert("1")</script>\u202e {name}  end')
    page = acting.open("destroy")
    assert all(attrs.get("src") for tag, attrs in page.tags if tag == "script")

    acting.press("destroy", typed='<script>alert("1")</script> {name} end')

    assert acting.done("destroy")


def test_a_droplet_without_a_name_can_be_destroyed(acting: Acting) -> None:
    acting.change(name=None)
    assert f"Droplet {DROPLET}" in acting.open("destroy").text

    acting.press("destroy", typed=f"Droplet {DROPLET}")

    assert acting.done("destroy")


def test_a_destroyed_droplet_shows_who_destroyed_it(acting: Acting) -> None:
    acting.press("destroy", **FORMS["destroy"])

    page = Page(acting.person.client.get(acting.address))

    assert page.status == 404
    assert "Destroyed Done You" in page.text
    past = Page(acting.person.client.get(f"{acting.address}activity/"))
    assert "Destroyed" in past.text


def test_a_disconnected_team_has_no_page_and_its_history_stays(acting: Acting) -> None:
    acting.press("reboot")
    Connection.objects.all().delete()

    assert acting.press("reboot").status_code == 404
    assert acting.row.team_name == "Acme Web"
