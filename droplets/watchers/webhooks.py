"""Sends the messages of watchers to webhooks. docs/watchers.md describes the request and its signature.

The URL comes from a user, so the request must not reach the network that Conveyor runs in: each address that the host
name leads to is checked, and the connection goes to a checked address. That is why this uses http.client: requests
would look the name up again, and could find another address then.
"""

import hmac
import socket
import ssl
from functools import cache
from http.client import HTTPConnection, HTTPException
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

import msgspec
from django.conf import settings
from django.utils import timezone

from accounts import webhook_secrets
from digitalocean_client.deadline import Deadline
from droplets.models import Delivery, Watcher
from droplets.watchers.messages import lines_of, watcher_url

TIMEOUT = 10.0
"""Seconds for the whole request, but for the name look-up, which the operating system limits."""

_GLOBAL_V6 = IPv6Network("2000::/3")  # https://www.iana.org/assignments/ipv6-address-space/
_METADATA = {ip_address("fd00:ec2::254"), ip_address("100.100.100.200")}  # of AWS and Alibaba; others are link-local
_MOST_ADDRESSES = 4  # that are tried

webhook_secrets.models.append(Watcher)


class _NotSent(Exception):
    """The text says why, for the log of the watcher."""


def send(delivery: Delivery) -> str:
    """Post it. Returns why that failed, "" if it did not."""
    watcher = delivery.watcher
    secret = webhook_secrets.read(watcher)
    if not secret:
        return "No key decrypts the signing secret. Make a new one"
    url = watcher.webhook_url
    if not url:
        return "No key decrypts the URL. Enter it again"
    body = msgspec.json.encode(_payload(delivery))
    timestamp = str(int(timezone.now().timestamp()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Conveyor",
        "Conveyor-Delivery": str(delivery.pk),
        "Conveyor-Timestamp": timestamp,
        "Conveyor-Signature": f"sha256={sign(secret, timestamp, body)}",
        "Connection": "close",
    }
    try:
        status = _post(url, body, headers)
    except _NotSent as error:
        return str(error)
    if 300 <= status < 400:
        return f"HTTP {status}: redirects are not followed"
    return "" if 200 <= status < 300 else f"HTTP {status}"


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 of the timestamp, a dot and the body, in hexadecimal digits."""
    return hmac.digest(secret.encode(), f"{timestamp}.".encode() + body, "sha256").hex()


def problem_of(url: str) -> str:
    """Why nothing may be sent to this URL, as far as it is known without looking up its name; "" for nothing."""
    try:
        parts = urlsplit(url)
        is_complete = bool(parts.hostname) and parts.port != 0  # `port` raises ValueError for an invalid one
    except ValueError:
        return "This is not a valid URL."
    if parts.scheme != "https" and not (settings.WEBHOOK_PRIVATE and parts.scheme == "http"):
        return "The URL must begin with https://."
    if not is_complete or not url.isascii() or not url.isprintable() or " " in url:
        return "This is not a valid URL."
    if parts.username is not None or parts.password is not None or parts.fragment:
        return "The URL must not have a user name, a password or a fragment (#)."
    try:
        address = ip_address(parts.hostname or "")
    except ValueError:
        return ""  # a name
    return "" if _is_allowed(address) else "The address must be on the public internet."


def _is_allowed(address: IPv4Address | IPv6Address) -> bool:
    """Whether it is on the public internet. WEBHOOK_PRIVATE also allows private and loopback addresses."""
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    if address.is_link_local or address.is_multicast or address.is_unspecified or address in _METADATA:
        return False
    if settings.WEBHOOK_PRIVATE:
        return True
    if isinstance(address, IPv6Address):
        # Those that have a version 4 address inside lead to that.
        return address.is_global and address in _GLOBAL_V6 and not (address.sixtofour or address.teredo)
    return address.is_global


def _payload(delivery: Delivery) -> dict[str, Any]:
    watcher = delivery.watcher
    title = "Test" if delivery.is_test else str(watcher)
    return {
        "text": "\n".join(_escape(line) for line in (title, *lines_of(delivery))),
        "id": str(delivery.pk),
        "is_test": delivery.is_test,
        "watcher": {"id": str(watcher.pk), "url": watcher_url(watcher)},
        "view": watcher.view.name,
        "condition": watcher.condition,
        "count": delivery.count,
        "events": delivery.events,
    }


def _escape(text: str) -> str:
    """As Slack wants it, so that a name is never a link: https://docs.slack.dev/messaging/formatting-message-text/"""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """The status of the answer. Raises `_NotSent`."""
    if problem := problem_of(url):
        raise _NotSent(problem)
    parts = urlsplit(url)
    target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    with Deadline(TIMEOUT) as deadline:
        try:
            with _connect(parts, deadline) as sock:
                connection = HTTPConnection(parts.hostname or "")
                connection.sock = sock
                connection.request("POST", target, body, {**headers, "Host": parts.netloc})
                return connection.getresponse().status
        except ssl.SSLCertVerificationError:
            raise _NotSent("The certificate is not valid") from None
        except (OSError, HTTPException, ValueError) as error:
            if deadline.expired or isinstance(error, TimeoutError):
                raise _NotSent(f"No answer within {TIMEOUT:.0f} seconds") from None
            raise _NotSent(f"No answer ({type(error).__name__})") from None


def _connect(parts: SplitResult, deadline: Deadline) -> socket.socket:
    """A connection to the first address that accepts one. Each is checked before."""
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise _NotSent("The host name was not found") from None
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    if not addresses or not all(_is_allowed(ip_address(address)) for address in addresses):
        raise _NotSent("The host name leads to an address that is not on the public internet")
    for address in addresses[:_MOST_ADDRESSES]:
        try:
            sock = socket.create_connection((address, port), timeout=deadline.left)
            break
        except OSError as error:
            failed = error
    else:
        raise failed
    deadline.use(sock)
    return _context().wrap_socket(sock, server_hostname=host) if parts.scheme == "https" else sock


@cache
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()
