"""The watch that the other tests rely on does see what it is there for."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.browser.leaks import ENCRYPTED, leaks
from tests.browser.server import Conveyor
from tests.browser.visitor import PASSWORD, Visitor
from tests.support.sandbox import Sandbox


def test_what_the_policy_forbids_is_a_complaint(visitor: Visitor) -> None:
    visitor.go("/")
    visitor.page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = true'}))"
    )
    visitor.page.evaluate("document.body.setAttribute('style', 'color: red')")

    assert visitor.complains("CSP: script-src-elem inline")
    assert visitor.complains("CSP: style-src-attr inline")
    assert not visitor.page.evaluate("window.ran")
    visitor.complaints.clear()


def test_a_missing_part_of_a_page_is_a_complaint_even_where_the_page_may_be_missing(visitor: Visitor) -> None:
    visitor.may_answer.add(404)
    visitor.go("/nowhere/")
    visitor.page.evaluate("fetch('/static/nothing.css')")

    assert visitor.complains("404: GET")
    assert len(visitor.complaints) == 1
    visitor.complaints.clear()


PLACES = ["database", "session", "cache", "log", "spill file", "email", "report to Sentry"]


@pytest.mark.parametrize("place", PLACES)
def test_a_secret_is_found_in_every_place(
    visitor: Visitor, conveyor: Conveyor, digitalocean: Sandbox, place: str
) -> None:
    visitor.go("/")
    secret = f"planted-{uuid4().hex}"
    assert leaks(conveyor, digitalocean, [visitor], secret) == []

    conveyor.plant(place, secret)

    assert f"{secret[:12]} in a {place}" in leaks(conveyor, digitalocean, [visitor], secret)


def test_tokens_are_found_on_a_page(visitor: Visitor, conveyor: Conveyor, digitalocean: Sandbox) -> None:
    visitor.go("/")
    token = digitalocean.connect(team="Acme Web")["access_token"]
    for text in (token, token.removeprefix("doo_v1_"), ENCRYPTED, PASSWORD):
        visitor.sent.append(("/", f"<p>{text}</p>"))
        assert leaks(conveyor, digitalocean, [visitor]), text
        visitor.sent.pop()


def test_an_error_that_names_a_token_is_reported_without_it(
    visitor: Visitor, conveyor: Conveyor, digitalocean: Sandbox
) -> None:
    visitor.go("/")
    token = digitalocean.connect(team="Acme Web")["access_token"]
    before = len(conveyor.sentry.received)

    conveyor.manage("shell", "-c", f"import logging; logging.getLogger('tried').error('Refused: {token}')")

    assert any("Refused: doo_v1_[redacted]" in text for text in conveyor.sentry.received[before:])
