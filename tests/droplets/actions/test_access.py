"""Write access: requested when it is first needed, for one team, and checked scope by scope."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from accounts.models import Connection
from tests.droplets.actions.acting import Acting
from tests.droplets.views.page import Page
from tests.support.pages import says
from tests.support.person import PASSWORD, Person


def wanted(acting: Acting, kind: str = "reboot") -> str:
    return f"{acting.address}actions/{kind}/"


def leave(acting: Acting, kind: str = "reboot") -> str:
    """Press the button on the page of an action that the access does not reach; DigitalOcean's address."""
    page = acting.open(kind)
    [action] = [attrs["action"] for tag, attrs in page.tags if tag == "form" and "/connections/" in attrs["action"]][
        -1:
    ]
    back = [attrs["value"] for tag, attrs in page.tags if attrs.get("name") == "next"][-1]
    answer = acting.person.client.post(action, {"next": back})
    assert answer.status_code == 302
    return str(answer["Location"])


def come_back(acting: Acting, there: str, team: str = "Acme Web", **more: str) -> object:
    callback = acting.sandbox.authorize(there, user=acting.person.digitalocean, team=team, **more)
    return acting.person.come_back(callback)


# Works


def test_a_connection_that_may_read_has_its_actions_greyed_with_one_button(reader: Acting) -> None:
    page = Page(reader.person.client.get(reader.address))

    buttons = [action for action in page.actions() if action.endswith("/act/")]
    assert buttons == [f"/accounts/connections/{reader.connection.pk}/act/"]
    greyed = [attrs["href"] for tag, attrs in page.tags if tag == "a" and "act-off" in attrs.get("class", "")]
    assert wanted(reader) in greyed
    open_ = [attrs["href"] for tag, attrs in page.tags if tag == "a" and "/actions/" in attrs.get("href", "")]
    assert open_ == greyed


def test_a_connection_that_may_act_has_them_open(acting: Acting) -> None:
    page = Page(acting.person.client.get(acting.address))

    assert not [action for action in page.actions() if action.endswith("/act/")]
    assert not [attrs for tag, attrs in page.tags if tag == "a" and "act-off" in attrs.get("class", "")]


def test_the_button_asks_for_write_and_comes_back_to_the_action(reader: Acting) -> None:
    there = leave(reader)
    assert set(parse_qs(urlsplit(there).query)["scope"][0].split()) == {"read", "write"}

    answer = come_back(reader, there)

    assert answer["Location"] == wanted(reader)
    page = Page(reader.person.client.get(answer["Location"]))
    assert "You can now change droplets of Acme Web." in page.text
    assert "Reboot db-primary?" in page.text
    assert [attrs["type"] for _, attrs in page.with_class("btn-primary")] == ["submit"]
    reader.press("reboot")
    assert len(reader.done()) == 1


def test_the_older_grant_is_given_back(reader: Acting) -> None:
    come_back(reader, leave(reader))

    assert [set(grant.scope.split()) for grant in reader.sandbox.live_grants()] == [{"read", "write"}]
    assert Connection.objects.count() == 1


@pytest.mark.parametrize(
    ("scope", "kind", "missing"),
    [
        ("droplet:read droplet:update", "reboot", []),
        ("droplet:read droplet:update", "resize", ["droplet:create", "sizes:read", "regions:read"]),
        ("read droplet:update", "resize", ["droplet:create"]),
        ("read droplet:update", "snapshot", ["image:create"]),
        ("read droplet:update", "rebuild", ["droplet:admin"]),
        ("read droplet:update droplet:create image:create", "destroy", ["droplet:delete"]),
        ("", "reboot", ["droplet:update"]),
    ],
)
def test_each_action_knows_its_scopes(reader: Acting, scope: str, kind: str, missing: list[str]) -> None:
    Connection.objects.update(scope=scope)
    reader.change(status="active" if kind == "reboot" else "off")

    page = reader.open(kind)

    if not missing:
        assert f"needs {missing}" not in page.text
        assert page.status == 200
        assert "DigitalOcean will ask you" not in page.text
    else:
        assert f"needs {' and '.join(missing)};" in page.text
        assert reader.press(kind).status_code == 409
        assert not reader.done()


# Refuses


def test_another_team_chosen_on_the_way_is_noticed_and_explained(reader: Acting) -> None:
    before = Connection.objects.values().get()

    answer = come_back(reader, leave(reader), team="Northwind")

    assert answer.status_code == 409
    assert says(answer, "You chose another team", "choose Acme Web")
    assert Page(answer).with_class("btn-primary")[0][1]["href"] == wanted(reader)
    assert Connection.objects.values().get() == before
    assert len(reader.sandbox.live_grants()) == 1


def test_who_declines_is_where_they_were(reader: Acting) -> None:
    come_back(reader, leave(reader), decision="deny")

    reader.connection.refresh_from_db()
    assert reader.connection.scope == "read"
    assert "Allow acting" in reader.open("reboot").text


def test_somebody_elses_connection_is_not_there(reader: Acting, bob: Person) -> None:
    assert bob.client.post(f"/accounts/connections/{reader.connection.pk}/act/").status_code == 404


def test_it_requires_login_and_a_post(reader: Acting) -> None:
    address = f"/accounts/connections/{reader.connection.pk}/act/"

    assert Client().post(address)["Location"].startswith("/accounts/login/")
    assert reader.person.client.get(address).status_code == 405


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "\x00"])
def test_it_leads_back_to_nowhere_else(reader: Acting, back: str) -> None:
    answer = reader.person.client.post(f"/accounts/connections/{reader.connection.pk}/act/", {"next": back})

    assert come_back(reader, answer["Location"])["Location"] == "/droplets/"


def test_an_old_log_in_needs_the_password_first(reader: Acting) -> None:
    session = reader.person.client.session
    session["logged_in_at"] = 0
    session.pop("account_authentication_methods", None)
    session.save()
    address = f"/accounts/connections/{reader.connection.pk}/act/"

    answer = reader.person.client.post(address, {"next": wanted(reader)})
    assert "reauthenticate" in answer["Location"]
    answer = reader.person.client.post(answer["Location"], {"password": PASSWORD}, follow=False)

    assert answer.status_code == 302
    assert come_back(reader, answer["Location"])["Location"] == wanted(reader)


# Handles


def test_a_narrower_grant_is_explained(reader: Acting) -> None:
    reader.sandbox.fault("patch", path="/v1/oauth/token", set={"/scope": "read"})

    come_back(reader, leave(reader))

    page = reader.open("reboot")
    assert "DigitalOcean gave read access only, so you cannot change droplets" in page.text
    assert "Allow acting" in page.text
