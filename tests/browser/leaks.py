"""Whether a secret got to where it may not be: every place where Conveyor writes anything is searched."""

import os
from collections.abc import Iterable

from tests.browser.server import Conveyor
from tests.browser.visitor import PASSWORD, Visitor
from tests.support.sandbox import Sandbox

PREFIXES = ("doo_v1_", "dor_v1_")
ENCRYPTED = "gAAAA"  # how an encrypted token begins
SHOWS_TOTP_SECRET = "/accounts/2fa/totp/activate/"


def leaks(conveyor: Conveyor, digitalocean: Sandbox, visitors: Iterable[Visitor] = (), planted: str = "") -> list[str]:
    """What was found where, by its beginning alone. Tokens are also looked for without their prefixes.

    `planted` is one more secret. Encrypted tokens may be in the database and in spill files, the keys of sessions in
    the database, and a TOTP secret on the page that sets it up.
    """
    visitors = list(visitors)
    tokens = {token for grant in digitalocean.ledger() for token in (grant.access_token, grant.refresh_token)}
    secrets = {*PREFIXES, digitalocean.client_secret, os.environ["SECRET_KEY"], os.environ["TOKEN_KEYS"], PASSWORD}
    secrets |= {token.rpartition("_")[2] for token in tokens if token}
    secrets |= {planted} - {""}
    totp = {secret for visitor in visitors for secret in visitor.totp_secrets}
    everywhere = secrets | totp | {ENCRYPTED} | set(conveyor.database.session_keys())
    places = [
        ("database", conveyor.database.rows(), secrets | totp | {secret.encode().hex() for secret in secrets}),
        ("session", conveyor.database.sessions(), secrets | totp | {ENCRYPTED}),
        ("cache", conveyor.cached, everywhere),
        ("log", [conveyor.log], everywhere),
        ("spill file", conveyor.spilled, everywhere - {ENCRYPTED}),
        ("email", conveyor.emails, everywhere),
        ("report to Sentry", conveyor.sentry.received, everywhere),
    ]
    for visitor in visitors:
        for url, text in visitor.sent:
            places.append(("page", [text], everywhere - totp if SHOWS_TOTP_SECRET in url else everywhere))
    found = set()
    for place, texts, marks in places:
        for text in texts:
            unredacted = text.replace("_v1_[redacted]", "")
            found |= {f"{mark[:12]} in a {place}" for mark in marks if mark in unredacted}
    return sorted(found)
