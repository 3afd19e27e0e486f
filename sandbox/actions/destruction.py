"""The end of a droplet."""

from __future__ import annotations

from typing import Any

from sandbox.fleet import belongings
from sandbox.fleet.droplets import Droplet
from sandbox.fleet.listing import Fleet


def destroy(fleet: Fleet, droplet: Droplet, order: dict[str, Any], now: float) -> None:
    """Take the droplet out of its fleet."""
    belongings.release(fleet.holdings, droplet)
    for droplets in (fleet.ordinary, fleet.gpus):
        droplets[:] = [each for each in droplets if each is not droplet]
