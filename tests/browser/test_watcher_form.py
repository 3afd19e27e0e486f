"""The form of a watcher shows the fields that the chosen condition uses, also without JavaScript."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Arrive


@pytest.mark.parametrize("javascript", [True, False])
def test_only_what_the_condition_uses_is_shown(arrive: Arrive, javascript: bool) -> None:
    visitor = arrive(javascript=javascript)
    visitor.sign_up(f"watcher-form-{javascript}@example.com".lower())
    visitor.go("/watchers/add/")
    condition = visitor.page.get_by_label("Tell me when")
    price = visitor.page.get_by_label("Limit in US dollars a month")
    minutes = visitor.page.get_by_label("For how many minutes")
    expect(condition.locator("option:checked")).to_have_text("Choose what happens")

    for chosen, shows_price, shows_minutes in (
        ("", False, False),
        ("price", True, False),
        ("unreadable", False, True),
        ("gone", False, False),
    ):
        condition.select_option(chosen)
        expect(price).to_be_visible(visible=shows_price)
        expect(minutes).to_be_visible(visible=shows_minutes)
