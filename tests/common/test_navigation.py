"""The links of the header: which one is marked as the part of the site that the page belongs to."""

from __future__ import annotations

import re

from tests.support.person import Person

# What each link of the header says of itself, in the order of the header; the menu of phones has them once more.
MARKED = re.compile(r'<a href="[^"]*" aria-current="(page|true)">\s*(\w+)')


def marked(person: Person, path: str, **headers: str) -> set[tuple[str, str]]:
    page = person.client.get(path, headers=headers).content.decode()
    return {(text, current) for current, text in MARKED.findall(page)}


def test_the_part_of_the_page_is_marked(alice: Person) -> None:
    assert marked(alice, "/droplets/") == {("Fleet", "page")}
    assert marked(alice, "/watchers/add/") == {("Watchers", "true")}
    assert marked(alice, "/activity/feed/") == {("Activity", "true")}
    assert marked(alice, "/accounts/settings/") == set()
    connection = alice.connect()
    assert marked(alice, f"/accounts/connections/{connection.pk}/disconnect/") == {("Connections", "true")}
    assert marked(alice, f"/droplets/{connection.pk}/1/activity/") == {("Fleet", "true")}


def test_a_part_that_htmx_asks_for_belongs_to_the_open_page(alice: Person) -> None:
    def jobs(page: str) -> set[tuple[str, str]]:
        headers = {"HX-Request": "true", "HX-Current-URL": f"http://127.0.0.1{page}"}
        return marked(alice, "/jobs/under-way/", **headers)

    assert jobs("/jobs/?page=2") == {("Jobs", "page")}
    assert jobs("/droplets/") == set()
