"""Scopes: `read`, `write`, and fine-grained ones such as `droplet:read`."""

from __future__ import annotations

# The resources that DigitalOcean's list of custom scopes names.
RESOURCES = frozenset({
    "1click", "account", "actions", "addon", "agent", "api", "app", "billing", "block_storage",
    "block_storage_action", "block_storage_snapshot", "byoip_prefix", "cdn", "certificate", "database",
    "domain", "droplet", "firewall", "function", "genai", "image", "image_action", "kubernetes",
    "load_balancer", "monitoring", "partner_attachment", "project", "regions", "registry", "reserved_ip",
    "reserved_ip_action", "reserved_ipv6", "security", "sizes", "snapshot", "spaces", "spaces_key", "ssh_key",
    "tag", "uptime", "vpc", "vpc_peering",
})  # fmt: skip
ACTIONS = frozenset({"create", "read", "update", "delete", "admin", "access_cluster", "view_credentials"})
DEFAULT = "read"  # for a request without `scope`


def known(scope: str) -> bool:
    """Whether every part of a space-separated scope exists."""
    return all(_known(part) for part in scope.split())


def _known(part: str) -> bool:
    resource, colon, action = part.partition(":")
    return part in {"read", "write"} or (bool(colon) and resource in RESOURCES and action in ACTIONS)


def allows(granted: str, needed: str) -> bool:
    """Whether a granted scope includes one fine-grained scope such as `droplet:read`. `write` includes `read`."""
    parts = granted.split()
    return needed in parts or "write" in parts or ("read" in parts and needed.endswith(":read"))


def covers(granted: str, requested: str) -> bool:
    """Whether the granted scope includes everything in `requested`."""
    have = set(granted.split())
    return set(requested.split()) <= (have | {"read"} if "write" in have else have)
