"""What holds for every page's look: readable colours, nothing inline, errors that need nothing to be shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template, render_to_string

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
STYLES = sorted((settings.BASE_DIR / "conveyor" / "static" / "conveyor").glob("*.css"))
TOKENS = next(path for path in STYLES if path.name == "tokens.css").read_text()
GROUNDS = ("bg", "surface", "raise")


def _palettes() -> dict[str, dict[str, str]]:
    """The tokens that are colours, for light and for dark."""
    light, dark = TOKENS.split("@media (prefers-color-scheme: dark)")
    return {
        name: dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", text))
        for name, text in (("light", light), ("dark", dark))
    }


def _luminance(colour: str) -> float:
    """Relative luminance, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


PAIRS = [
    *((text, ground) for text in ("ink", "muted", "faint", "accent", "bad") for ground in GROUNDS),
    *((kind, f"{kind}-bg") for kind in ("ok", "off", "info", "warn", "bad")),
    ("on-accent", "accent"),
    ("on-bad", "bad"),
    ("accent", "soft"),
    ("ink", "soft"),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_can_be_read(scheme: str, text: str, ground: str) -> None:
    palette = _palettes()[scheme]

    assert _contrast(palette[text], palette[ground]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ground", GROUNDS)
def test_the_outline_of_a_control_can_be_seen(scheme: str, ground: str) -> None:
    palette = _palettes()[scheme]

    assert _contrast(palette["edge"], palette[ground]) >= 3


def test_a_teams_initial_can_be_read_on_its_square() -> None:
    squares = {name: colour for name, colour in _palettes()["light"].items() if name.startswith("team-")}

    assert list(squares) == [f"team-{number}" for number in range(8)]
    assert all(_contrast("#ffffff", colour) >= 4.5 for colour in squares.values())


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
def test_nothing_is_inline(path: Path) -> None:
    """The content security policy blocks it; the page would break in silence."""
    html = path.read_text()

    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|[\"'(]data:|_data_uri", html)
    assert not re.search(r"<script(?![^>]*\ssrc=)", html)
    assert not re.search(r"(?:src|href)=[\"'](?:https?:)?//", html)


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_stylesheets_fetch_nothing(path: Path) -> None:
    assert "url(" not in path.read_text()
    assert "@import" not in path.read_text()


def test_shapes_and_words_carry_the_status_too() -> None:
    styles = "".join(path.read_text() for path in STYLES)

    for kind in ("ok", "off", "info", "warn", "bad"):
        assert f".badge-{kind}::before" in styles


@pytest.mark.parametrize("name", ["400.html", "500.html"])
def test_it_renders_where_nothing_else_works(name: str) -> None:
    html = get_template(name).render()

    assert "<h1>" in html
    assert "Log in" not in html


@pytest.mark.parametrize("name", ["403.html", "403_csrf.html", "404.html", "429.html"])
def test_it_renders_without_a_context(name: str) -> None:
    assert "<h1>" in render_to_string(name)
