"""A second factor, as an authenticator app would have it."""

from __future__ import annotations

import time

from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value

from accounts.models import User


def switch_on(user: User) -> str:
    """Returns the secret that the app would keep."""
    secret: str = generate_totp_secret()
    TOTP.activate(user, secret)
    return secret


def code(secret: str) -> str:
    """The six digits of now."""
    digits: str = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    return digits
