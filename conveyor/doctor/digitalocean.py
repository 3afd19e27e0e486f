"""Checks of DigitalOcean: it is reached, accepts Conveyor's client and callback URL, and agrees about the time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from secrets import token_hex

from django.conf import settings
from django.urls import reverse

from conveyor.doctor.findings import Finding, misconfigured, note, ok, refused, unavailable
from digitalocean_client import errors, http, oauth

_SECONDS = 8.0
_CLOCK = 10.0
"""Seconds that clocks may differ. Leases and the expiry of tokens allow for more than that."""

_APPLICATION = "In DigitalOcean's control panel: API > OAuth Applications."


def check_client() -> Iterator[Finding]:
    """DigitalOcean refuses a refresh token that was made up. Why shows whether it accepts the client."""
    name = "OAuth client"
    try:
        oauth.refresh(f"dor_v1_{token_hex(32)}")
    except errors.InvalidGrant:
        yield ok(name, "DigitalOcean accepts the client ID and the client secret.")
    except errors.Misconfigured:
        yield refused(
            name,
            "DigitalOcean does not accept the client ID and the client secret.",
            f"Correct DIGITAL_OCEAN_CLIENT_ID and DIGITAL_OCEAN_CLIENT_SECRET. {_APPLICATION}",
        )
    except errors.DigitalOceanError as error:
        yield unavailable(
            name,
            f"DigitalOcean gave no clear answer ({error.code}).",
            f"Can this host reach {settings.DIGITAL_OCEAN_OAUTH_URL}? Try again in a few minutes.",
        )
    else:
        yield note(name, "DigitalOcean accepted a refresh token that was made up.", "Check DIGITAL_OCEAN_OAUTH_URL.")


def check_callback() -> Iterator[Finding]:
    """The authorization page shows an error where the callback URL is not the registered one."""
    name, callback = "Callback URL", f"{settings.BASE_URL}{reverse('digitalocean_callback')}"
    query = {
        "client_id": settings.DIGITAL_OCEAN_CLIENT_ID,
        "redirect_uri": callback,
        "response_type": "code",
        "scope": "read",
        "state": "doctor",
    }
    try:
        status, _ = http.probe(f"{settings.DIGITAL_OCEAN_OAUTH_URL}/authorize", timeout=_SECONDS, params=query)
    except errors.DigitalOceanError as error:
        yield unavailable(
            name, f"The authorization page does not answer ({error.code}).", "Try again in a few minutes."
        )
        return
    if 400 <= status < 500:
        yield misconfigured(
            name,
            f"DigitalOcean refuses {callback} (status {status}).",
            f"Register exactly this callback URL, or correct BASE_URL. {_APPLICATION}",
        )
    elif status == 200:
        yield ok(name, f"DigitalOcean accepts {callback}.")
    else:
        yield note(
            name,
            f"DigitalOcean tells it only to a user who has logged in (status {status}).",
            f"See that exactly {callback} is registered. {_APPLICATION}",
        )


def check_clock() -> Iterator[Finding]:
    """This host's clock against the Date header of DigitalOcean's answer, whatever its status."""
    name = "Clock"
    before = datetime.now(UTC)
    try:
        _, headers = http.probe(f"{settings.DIGITAL_OCEAN_API_URL}/account", timeout=_SECONDS)
    except errors.DigitalOceanError as error:
        yield unavailable(
            name, f"DigitalOcean's API does not answer ({error.code}).", "Can this host reach the internet?"
        )
        return
    after = datetime.now(UTC)
    try:
        theirs = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        yield note(name, "DigitalOcean's answer has no date to compare with.", "Check the clock yourself: timedatectl")
        return
    ahead = max((before - theirs).total_seconds() - 1, (theirs - after).total_seconds(), 0.0)
    if ahead > _CLOCK:
        yield misconfigured(
            name,
            f"It differs from DigitalOcean's by {ahead:.0f} seconds.",
            "Have it set by NTP: timedatectl set-ntp true",
        )
    else:
        yield ok(name, "It agrees with DigitalOcean's.")
