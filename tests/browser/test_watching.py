"""The watch that the other tests rely on does see what it is there for."""

from __future__ import annotations

from tests.browser.leaks import leaks
from tests.browser.server import Conveyor
from tests.browser.visitor import Visitor
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


def test_a_token_is_found_wherever_it_got_to(visitor: Visitor, conveyor: Conveyor, digitalocean: Sandbox) -> None:
    visitor.go("/")
    token = digitalocean.connect(team="Acme Web")["access_token"]

    assert leaks(conveyor, digitalocean, [f"<p>{token}</p>"])
    assert leaks(conveyor, digitalocean, [f"<p>{token.removeprefix('doo_v1_')}</p>"])
