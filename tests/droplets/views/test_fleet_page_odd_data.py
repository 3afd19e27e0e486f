"""The fleet's page where something came in between: a form that was refused, a forged header, an access that ended."""

from __future__ import annotations

from time import monotonic

import pytest

from droplets.fleet import refresh as fleet_refresh
from droplets.fleet import service as fleet_service
from tests.droplets.views.page import Page
from tests.support.person import Person
from tests.support.waiting import wait_until as wait_until


def visit(person: Person) -> Page:
    return Page(person.client.get("/droplets/"))


def test_a_page_with_a_refused_form_works_on_and_is_not_morphed_away(alice: Person) -> None:
    alice.connect("Side projects")

    page = Page(alice.client.post("/droplets/views/", {"name": "a\u200db", "query": "sort=-age"}))

    assert page.status == 422
    [(_, part)] = [(tag, attrs) for tag, attrs in page.tags if attrs.get("id") == "fleet"]
    assert "data-edition" not in part
    links = [attrs["href"] for tag, attrs in page.tags if tag == "a" and "?" in attrs.get("href", "")]
    assert all(alice.client.get(link).status_code == 200 for link in links)
    assert len(links) > 9
    assert 'name="next" value="/droplets/"' in page.html


@pytest.mark.parametrize("address", ["http://[", "//[x", "http://℀"])
def test_a_forged_address_of_the_page_is_as_none(alice: Person, address: str) -> None:
    alice.connect("Side projects")

    answer = alice.client.get("/droplets/?q=w", headers={"HX-Request": "true", "HX-Current-URL": address})

    assert answer.status_code == 200


def test_a_plain_page_waits_where_only_it_can_renew_the_access(alice: Person) -> None:
    connection = alice.connect("Side projects")
    visit(alice)
    alice.sandbox.expire()
    fleet_service.request_reload(connection)
    fleet_refresh.refresh([connection], {}, deadline=monotonic())  # nobody is there to ask for another token
    wait_until(lambda: not fleet_refresh._running)
    assert visit(alice).names

    assert not visit(alice).with_class("trouble")
