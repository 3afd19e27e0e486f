"""Whether a token got to where none may be."""

from __future__ import annotations

from collections.abc import Iterable

from tests.browser.server import Conveyor
from tests.support.sandbox import Sandbox

PREFIXES = ("doo_v1_", "dor_v1_")
ENCRYPTED = "gAAAA"  # how an encrypted token begins; it belongs into the database and nowhere else


def leaks(conveyor: Conveyor, digitalocean: Sandbox, sent: Iterable[str]) -> list[str]:
    """What was found where, by its beginning alone. Tokens are also looked for without their prefixes."""
    tokens = {token for grant in digitalocean.ledger() for token in (grant.access_token, grant.refresh_token)}
    marks = {*PREFIXES, digitalocean.client_secret} | {token.rpartition("_")[2] for token in tokens if token}
    places = {
        "database": (conveyor.database.rows(), marks),
        "session": (conveyor.database.sessions(), marks | {ENCRYPTED}),
        "cache": (conveyor.cached, marks | {ENCRYPTED}),
        "log": ([conveyor.log], marks | {ENCRYPTED}),
        "page": (sent, marks | {ENCRYPTED}),
    }
    found = set()
    for place, (texts, those) in places.items():
        for text in texts:
            found |= {f"{mark[:12]} in a {place}" for mark in those if mark in text}
    return sorted(found)
