"""How moments, money, memory and form controls are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest
from django import forms
from django.template import Context, Template
from django.utils import timezone

from common.templatetags import formats
from common.templatetags.forms import control, password_rules

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


class _Tag(HTMLParser):
    """The attributes of the first tag, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.attrs: dict[str, str | None] = {}
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attrs = self.attrs or dict(attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


class TestAgo:
    @pytest.mark.parametrize(
        ("age", "words"),
        [
            (timedelta(0), "just now"),
            (timedelta(seconds=0.9), "just now"),
            (timedelta(seconds=1), "1 second ago"),
            (timedelta(seconds=59.9), "59 seconds ago"),
            (timedelta(seconds=60), "1 minute ago"),
            (timedelta(minutes=59), "59 minutes ago"),
            (timedelta(hours=2), "2 hours ago"),
            (timedelta(days=1), "1 day ago"),
            (timedelta(days=29), "29 days ago"),
            (timedelta(days=31), "1 month ago"),
            (timedelta(days=364), "11 months ago"),
            (timedelta(days=366), "1 year ago"),
            (timedelta(seconds=-20), "in 20 seconds"),
            (timedelta(days=-3), "in 3 days"),
        ],
    )
    def test_it_says_how_long_ago(self, age: timedelta, words: str) -> None:
        assert _Tag(formats.ago(NOW - age)).text == words

    def test_it_keeps_the_exact_moment(self) -> None:
        tag = _Tag(formats.ago(datetime(2026, 3, 5, 7, 8, 9, 123456, tzinfo=UTC)))

        assert tag.attrs == {"datetime": "2026-03-05T07:08:09+00:00", "title": "5 Mar 2026, 07:08:09 UTC"}

    @pytest.mark.parametrize("filter_", [formats.ago, formats.short_age, formats.day])
    def test_it_says_nothing_of_none(self, filter_: Any) -> None:
        assert filter_(None) == ""


class TestShortAge:
    @pytest.mark.parametrize(
        ("age", "words"),
        [
            (timedelta(days=800), "2 y"),
            (timedelta(days=70), "2 mo"),
            (timedelta(days=3, hours=5), "3 d"),
            (timedelta(hours=5), "5 h"),
            (timedelta(minutes=12), "12 min"),
            (timedelta(seconds=3), "3 s"),
            (timedelta(0), "0 s"),
            (timedelta(days=-1), "0 s"),
        ],
    )
    def test_it_is_short(self, age: timedelta, words: str) -> None:
        assert _Tag(formats.short_age(NOW - age)).text == words


class TestDay:
    def test_it_leaves_this_year_out(self) -> None:
        assert _Tag(formats.day(datetime(2026, 12, 3, tzinfo=UTC))).text == "3 Dec"

    def test_it_names_another_year(self) -> None:
        assert _Tag(formats.day(datetime(2027, 1, 3, tzinfo=UTC))).text == "3 Jan 2027"


@pytest.mark.parametrize(
    ("dollars", "words"),
    [
        (None, ""),
        (0, "$0.00"),
        (48, "$48.00"),
        (48.0, "$48.00"),
        (0.005, "$0.01"),
        (999.994, "$999.99"),
        (999.995, "$1,000"),
        (Decimal("9417.60"), "$9,418"),
        (1_234_567, "$1,234,567"),
        (-12.5, "-$12.50"),
        (-0.001, "$0.00"),
    ],
)
def test_money(dollars: Any, words: str) -> None:
    assert formats.money(dollars) == words


@pytest.mark.parametrize(
    ("megabytes", "words"),
    [
        (None, ""),
        (0, "0 MB"),
        (512, "512 MB"),
        (1023, "1,023 MB"),
        (1024, "1 GB"),
        (1536, "1.5 GB"),
        (8192, "8 GB"),
        (15_872, "16 GB"),
        (1_048_000, "1,023 GB"),
        (1_048_500, "1 TB"),
        (3_250_586, "3.1 TB"),
        (12_000_000_000, "11 PB"),
        (12_000_000_000_000, "11,176 PB"),
    ],
)
def test_memory(megabytes: Any, words: str) -> None:
    assert formats.memory(megabytes) == words


@pytest.mark.parametrize(("gigabytes", "words"), [(None, ""), (25, "25 GB"), (1200, "1.2 TB"), (0.5, "0.5 GB")])
def test_disk(gigabytes: Any, words: str) -> None:
    assert formats.disk(gigabytes) == words


def test_the_filters_are_there_for_templates() -> None:
    template = Template("{% load formats %}{{ price|money }} {{ memory|memory }} {{ agent|browser }}")

    assert template.render(Context({"price": 6, "memory": 1024, "agent": ""})) == "$6.00 1 GB Unknown browser"


class _Form(forms.Form):
    email = forms.EmailField(help_text="As on <b>letters</b>", widget=forms.TextInput(attrs={"placeholder": "Email"}))
    note = forms.CharField(required=False)


class TestControl:
    def test_it_has_no_placeholder_and_names_its_hint(self) -> None:
        tag = _Tag(control(_Form()["email"]))

        assert "placeholder" not in tag.attrs
        assert tag.attrs["aria-describedby"] == "id_email_helptext"

    def test_it_names_its_errors(self) -> None:
        tag = _Tag(control(_Form({"email": "x"})["email"]))

        assert tag.attrs["aria-describedby"] == "id_email_helptext id_email_error"
        assert tag.attrs["aria-invalid"] == "true"

    def test_it_names_a_hint_given_beside_the_form(self) -> None:
        assert _Tag(control(_Form()["note"], "As you like")).attrs["aria-describedby"] == "id_note_helptext"
        assert "aria-describedby" not in _Tag(control(_Form()["note"])).attrs

    def test_what_it_names_is_on_the_page(self) -> None:
        html = Template("{% include '_fields.html' %}").render(Context({"form": _Form({"email": "x"})}))

        for id_ in ("id_email_helptext", "id_email_error"):
            assert f'id="{id_}"' in html
        assert '<label for="id_note">Note <span class="optional">optional</span></label>' in html


class TestPasswordRules:
    def test_it_is_one_sentence(self) -> None:
        assert password_rules() == (
            "At least 10 characters, not similar to your email address, not a common password, not only digits."
        )

    def test_it_lets_other_validators_speak_for_themselves(self, settings: Any) -> None:
        settings.AUTH_PASSWORD_VALIDATORS = [{"NAME": f"{__name__}.NoSpaces"}]

        assert password_rules() == "No spaces."


class NoSpaces:
    def validate(self, password: str, user: Any = None) -> None: ...

    def get_help_text(self) -> str:
        return "No spaces."
