"""Names of droplets, in styles that people use."""

from __future__ import annotations

import random

from sandbox.fleet import regions
from sandbox.fleet.roles import GPU_NAMES, Role

STYLES = (
    "{stage}-{role}-{n:02d}",
    "{role}-{n:02d}.{region}",
    "{role}{n}-{stage}",
    "{role}-{n:02d}.{stage}.{team}",
)


def ordinary(rng: random.Random, role: Role, stage: str, region: str, size: str, team: str, serial: int) -> str:
    """A name for droplet number `serial` of its role. `team` is a host name such as acme-web.example."""
    if not role.name:
        return f"ubuntu-{size}-{region}-{serial:02d}"
    style = rng.choices(STYLES, (6, 5, 2, 2))[0]
    if stage == "prod" and style.startswith("{stage}"):
        style = "{role}-{n:02d}"
    return style.format(role=role.name, stage=stage, n=serial, region=region, team=team)


def gpu(rng: random.Random, size: str, serial: int) -> str:
    """A name for a GPU droplet."""
    if rng.random() < 0.4:
        return f"ml-ai-ubuntu-{size}-{rng.choice(regions.GPU_SLUGS)}"
    return f"{rng.choice(GPU_NAMES)}-{serial:02d}"


def host_name(team: str) -> str:
    """A team's name as a host name: "Acme Web" gives "acme-web.example"."""
    return "-".join(team.lower().split()) + ".example"
