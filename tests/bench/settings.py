"""Conveyor's settings, with one address more: the bare view that a warm page is held against."""

from __future__ import annotations

from conveyor.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.urls"
