"""What DigitalOcean's scopes allow: the broad `read` and `write`, and the fine-grained `resource:action` ones.

https://docs.digitalocean.com/reference/api/scopes/
"""

from __future__ import annotations

from collections.abc import Iterable


def missing(granted: str, needed: Iterable[str]) -> tuple[str, ...]:
    """The scopes in `needed` that `granted`, a space-separated list, does not include. `write` includes all.

    >>> missing("droplet:read droplet:update", ["droplet:update", "image:create"])
    ('image:create',)
    """
    parts = set(granted.split())
    if "write" in parts:
        return ()
    broad = "read" in parts
    return tuple(scope for scope in needed if scope not in parts and not (broad and scope.endswith(":read")))
