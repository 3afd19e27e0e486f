"""The endpoints that tell a droplet's metrics. Each raises a `DigitalOceanError`; safe in any thread.

None has a step: DigitalOcean decides how close the points are. Without its agent most answers are empty.
"""

from __future__ import annotations

from typing import Literal

from digitalocean_client import droplets as droplets_api
from digitalocean_client.metrics_schema import Series, Span, series

Interface = Literal["public", "private"]
Direction = Literal["inbound", "outbound"]


def cpu(token: str, droplet: int, span: Span, *, deadline: float) -> list[Series]:
    """A counter for each `mode`: seconds since the boot, over all vCPUs."""
    return _metric(token, "cpu", droplet, span, deadline=deadline)


def load(token: str, droplet: int, span: Span, *, minutes: Literal[1, 5, 15], deadline: float) -> list[Series]:
    """The load average: how many processes ran or waited."""
    return _metric(token, f"load_{minutes}", droplet, span, deadline=deadline)


def memory(
    token: str, droplet: int, span: Span, *, what: Literal["total", "available", "free", "cached"], deadline: float
) -> list[Series]:
    """Bytes."""
    return _metric(token, f"memory_{what}", droplet, span, deadline=deadline)


def filesystem(token: str, droplet: int, span: Span, *, what: Literal["size", "free"], deadline: float) -> list[Series]:
    """Bytes of each file system, with its `device`, `fstype` and `mountpoint`."""
    return _metric(token, f"filesystem_{what}", droplet, span, deadline=deadline)


def bandwidth(
    token: str, droplet: int, span: Span, *, interface: Interface, direction: Direction, deadline: float
) -> list[Series]:
    """Megabits a second."""
    return _metric(token, "bandwidth", droplet, span, deadline=deadline, interface=interface, direction=direction)


def _metric(token: str, name: str, droplet: int, span: Span, *, deadline: float, **more: str) -> list[Series]:
    params: dict[str, str | int] = {"host_id": str(droplet), "start": span.start, "end": span.end, **more}
    return series(
        droplets_api.get(token, f"/monitoring/metrics/droplet/{name}", params=params, deadline=deadline), span
    )
