"""Kernels of droplets that are old enough to have them managed from outside."""

from __future__ import annotations

from typing import Any

from sandbox.fleet.droplets import OLD_KERNEL, Droplet

KERNELS: tuple[dict[str, Any], ...] = (
    OLD_KERNEL,
    {
        "id": 7516,
        "name": "DigitalOcean GrubLoader v0.2 (20160714) Debian",
        "version": "2016.07.13-DigitalOcean_loader_Debian",
    },
    {"id": 6918, "name": "Ubuntu 14.04 x64 vmlinuz-3.13.0-85-generic", "version": "3.13.0-85-generic"},
    {"id": 7060, "name": "Ubuntu 14.04 x64 vmlinuz-3.13.0-91-generic", "version": "3.13.0-91-generic"},
)


def of(droplet: Droplet) -> list[dict[str, Any]]:
    """The kernels that a droplet can be given: none where it brings its own."""
    return [dict(kernel) for kernel in KERNELS] if droplet.get("kernel") else []
