"""The parts of a person's page that other apps add: each registers its own in its `ready()`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from accounts.models import User


@dataclass(frozen=True)
class Panel:
    """A part of the page. `template` is included with `context` as `panel`; `id` is that of its section."""

    id: str
    title: str
    template: str
    context: dict[str, Any] = field(default_factory=dict)


PanelMaker = Callable[[User], Panel]

_makers: list[PanelMaker] = []


def register(maker: PanelMaker) -> None:
    """Add a part to every person's page, below those registered before. It takes the same queries for everybody."""
    if maker not in _makers:
        _makers.append(maker)


def panels_for(person: User) -> list[Panel]:
    return [maker(person) for maker in _makers]
