"""Conveyor's settings with one more URL: the minimal view that a cached page is compared with."""

from __future__ import annotations

from conveyor.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.urls"
