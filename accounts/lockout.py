"""Whom a wrong password counts for, so that the limits lock out strangers and not the owner.

The limits themselves are ACCOUNT_RATE_LIMITS and allauth's defaults; `AccountAdapter.pre_authenticate` applies them.

Wrong passwords for an address are counted for each network, and, with a higher limit, for the address in all. A browser
that has logged in to the account before is known by a signed cookie, counts for itself, and is not held up by others.
"""

from ipaddress import ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

COOKIE = f"{'__Host-' if settings.SESSION_COOKIE_SECURE else ''}conveyor-known-browser"
_LIFETIME = 365 * 24 * 3600


def origin(request: HttpRequest, login: str, client_ip: str) -> str:
    """Whom a wrong password for `login` is counted for: this known browser, or the client's network."""
    if is_known(request, login):
        return f"browser:{_mark(login)}"
    return f"network:{network_of(client_ip)}"


def network_of(client_ip: str) -> str:
    """The client's network, of the usual size that one customer of a provider has: an IPv4 /24, an IPv6 /64."""
    address = ip_address(client_ip)
    return str(ip_network(f"{address}/{24 if address.version == 4 else 64}", strict=False))


def is_known(request: HttpRequest, login: str) -> bool:
    """Whether this browser has logged in with this address before."""
    cookie = request.get_signed_cookie(COOKIE, default="", max_age=_LIFETIME) or ""
    return bool(login) and constant_time_compare(cookie, _mark(login))


def remember_browser(response: HttpResponse, login: str) -> None:
    """Let the browser be known for a year. The cookie neither logs in nor shows the address."""
    response.set_signed_cookie(
        COOKIE, _mark(login), max_age=_LIFETIME, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
    )


def _mark(login: str) -> str:
    return salted_hmac("accounts.lockout", login.lower()).hexdigest()
