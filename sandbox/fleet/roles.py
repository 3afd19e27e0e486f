"""Roles of a team's droplets. A role decides name, size, tags and how many droplets have it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Role:
    """A kind of server. `weight` is how common it is, `sizes` from small to large."""

    name: str
    weight: int
    sizes: tuple[str, ...]
    tags: tuple[str, ...] = ()
    volumes: bool = False


SMALL = ("s-1vcpu-512mb-10gb", "s-1vcpu-1gb", "s-1vcpu-1gb-amd", "s-1vcpu-2gb")
MIDDLING = ("s-1vcpu-2gb", "s-2vcpu-2gb", "s-2vcpu-4gb", "s-2vcpu-4gb-intel", "s-2vcpu-4gb-amd")
LARGE = (
    "s-4vcpu-8gb",
    "s-4vcpu-8gb-amd",
    "s-8vcpu-16gb",
    "s-8vcpu-16gb-intel",
    "g-2vcpu-8gb",
    "g-4vcpu-16gb",
)
BUSY = ("c-2", "c-4", "c-8", "s-4vcpu-8gb-intel")
STORES = ("g-4vcpu-16gb", "m-2vcpu-16gb", "m-4vcpu-32gb", "so-2vcpu-16gb", "g-8vcpu-32gb")

ROLES: dict[str, tuple[Role, ...]] = {
    "web": (
        Role("web", 10, MIDDLING, ("web",)),
        Role("api", 7, LARGE, ("api",)),
        Role("worker", 6, BUSY, ("worker",)),
        Role("lb", 2, MIDDLING, ("edge",)),
        Role("db", 3, STORES, ("db", "pci"), volumes=True),
        Role("redis", 2, ("s-2vcpu-4gb", "m-2vcpu-16gb"), ("cache",)),
        Role("bastion", 1, SMALL, ("ssh",)),
        Role("ci-runner", 3, BUSY, ("ci",)),
        Role("monitoring", 1, LARGE, ("ops",), volumes=True),
    ),
    "shop": (
        Role("storefront", 8, MIDDLING, ("web",)),
        Role("orders", 5, LARGE, ("api",)),
        Role("payments", 3, LARGE, ("api", "pci")),
        Role("search", 3, STORES, ("search",), volumes=True),
        Role("postgres", 3, STORES, ("db",), volumes=True),
        Role("queue", 2, MIDDLING, ("queue",)),
        Role("images", 4, BUSY, ("media",)),
        Role("mail", 1, SMALL, ("mail",)),
    ),
    "data": (
        Role("etl", 6, BUSY, ("etl",)),
        Role("warehouse", 3, STORES, ("db",), volumes=True),
        Role("notebook", 4, LARGE, ("research",)),
        Role("kafka", 3, STORES, ("queue",), volumes=True),
        Role("airflow", 2, LARGE, ("etl",)),
        Role("dashboard", 2, MIDDLING, ("web",)),
    ),
    "hobby": (
        Role("blog", 4, SMALL, ("web",)),
        Role("minecraft", 3, LARGE, ("game",)),
        Role("vpn", 3, SMALL),
        Role("git", 2, MIDDLING, (), volumes=True),
        Role("bot", 4, SMALL, ("bot",)),
        Role("old-wordpress", 2, SMALL),
        Role("", 5, SMALL),  # keeps the name that the control panel proposes
    ),
}
GPU_NAMES = ("trainer", "inference", "embedder", "llm-lab", "render")
STAGES = (("prod", 12), ("staging", 4), ("dev", 2))
