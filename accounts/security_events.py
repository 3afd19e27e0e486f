"""Audit log of sign-ups, log-ins, second factors, password resets and emails.

Each is an Event and a line in the log, with the id of the request and a keyed hash in the place of the email address:
equal addresses have equal hashes, and nobody without SECRET_KEY can find out the address.
"""

from typing import Any

from allauth.account.signals import password_reset, user_logged_in, user_signed_up
from allauth.mfa.signals import authentication_failed, authenticator_added, authenticator_removed
from allauth.mfa.webauthn.internal.flows import did_use_passwordless_login
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from structlog.contextvars import get_contextvars

from accounts import audit
from accounts.models import Connection, Event, User


def record(
    kind: Event.Kind,
    outcome: str = "ok",
    *,
    email: str = "",
    user: User | None = None,
    note: str = "",
    actor: str = audit.PERSON,
    staff: User | None = None,
    subject: Connection | None = None,
) -> None:
    """Store and log an event of `user`, or of whoever typed the address `email`. `note` says more.

    `staff` is the staff member who did it.
    """
    email = email or (user.email if user else "")
    request_id = get_contextvars().get("request_id")
    details = [
        note,
        email and f"address {hash_of(email)}",
        staff and f"staff {hash_of(staff.email)}",
        request_id and f"request {request_id}",
    ]
    audit.record(
        kind,
        subject,
        actor=audit.STAFF if staff else actor,
        outcome=outcome,
        user=user,
        staff=staff,
        detail=", ".join(part for part in details if part),
        address_hash=hash_of(email) if email else "",
    )


def hash_of(email: str) -> str:
    """The first 12 hex digits of HMAC-SHA256 of the lower-case address, keyed with SECRET_KEY."""
    return salted_hmac("accounts.security_events", email.strip().lower(), algorithm="sha256").hexdigest()[:12]


def locked_out(request: HttpRequest) -> None:
    """Record that a log-in, a second factor or a confirmation of a log-in was refused after too many wrong ones."""
    record(Event.Kind.LOG_IN, "locked out", email=request.POST.get("login", ""), user=user_of(request))


def user_of(request: HttpRequest) -> User | None:
    return request.user if request.user.is_authenticated else None


def connect() -> None:
    for signal, receiver in (
        (user_signed_up, _signed_up),
        (user_logged_in, _logged_in),
        (user_login_failed, _login_failed),
        (authenticator_added, _factor_added),
        (authenticator_removed, _factor_removed),
        (authentication_failed, _factor_failed),
        (password_reset, _password_reset),
    ):
        signal.connect(receiver, dispatch_uid=f"accounts.security_events{receiver.__name__}")


def _signed_up(user: User, **kwargs: Any) -> None:
    record(Event.Kind.SIGN_UP, user=user, note=_way(kwargs))


def _logged_in(request: HttpRequest, user: User, **kwargs: Any) -> None:
    note = "with a passkey" if did_use_passwordless_login(request, user) else _way(kwargs)
    record(Event.Kind.LOG_IN, user=user, note=note)


def _login_failed(credentials: dict[str, Any], **kwargs: Any) -> None:
    email = str(credentials.get("email") or credentials.get("username") or "")
    record(Event.Kind.LOG_IN, "wrong address or password", email=email)


def _factor_added(user: User, authenticator: Any, **kwargs: Any) -> None:
    record(Event.Kind.TWO_FACTOR, user=user, note=f"{authenticator.type} on")


def _factor_removed(user: User, authenticator: Any, **kwargs: Any) -> None:
    record(Event.Kind.TWO_FACTOR, user=user, note=f"{authenticator.type} off")


def _factor_failed(user: User, **kwargs: Any) -> None:
    record(Event.Kind.TWO_FACTOR, "wrong code", user=user)


def _password_reset(user: User, **kwargs: Any) -> None:
    record(Event.Kind.PASSWORD_RESET, user=user)


def _way(kwargs: dict[str, Any]) -> str:
    return "with DigitalOcean" if kwargs.get("sociallogin") else ""
