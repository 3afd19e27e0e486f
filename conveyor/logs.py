"""Logs: one line per event, with the request's id, and nothing in them that looks like a token."""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.views.debug import SafeExceptionReporterFilter

request_id: ContextVar[str] = ContextVar("request_id", default="-")

# DigitalOcean's prefixes for personal, OAuth access and OAuth refresh tokens, and what Fernet makes of them.
_TOKEN = re.compile(r"(do[opr]_v1_)[0-9A-Za-z]+|gAAAA[0-9A-Za-z_\-]{40,}=*")
_SECRET_FIELD = re.compile(
    r"""((?:client_secret|refresh_token|access_token|code|code_verifier)["']?\s*[=:]\s*["']?)[^\s"'&,}]{6,}"""
)
# The key in a letter (reset of a password, proof of an address) is part of an address: in a log it opens an account.
_LETTER_KEY = re.compile(r"(/password/reset/key/|/confirm-email/)[^/\s]{6,}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# What every log record has; anything else on it was given with extra= and belongs into the line.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "request",
    "server_time",
    "taskName",
}


def redact(text: str) -> str:
    """`text` without anything that looks like a token, a client secret, an authorization code or a letter's key."""
    text = _TOKEN.sub(lambda match: f"{match[1] or ''}[redacted]", text)
    text = _LETTER_KEY.sub(r"\1[redacted]", text)
    return _SECRET_FIELD.sub(r"\1[redacted]", text)


class RedactingFilter(logging.Filter):
    """Rewrites a record before it is formatted, its traceback included."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = redact(record.getMessage())
        record.args = None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        for name in set(vars(record)) - _STANDARD:
            value = getattr(record, name)
            if isinstance(value, str):
                setattr(record, name, redact(value))
        return True


class LineFormatter(logging.Formatter):
    """`time level logger request_id=… message key=value …`, a traceback folded into the same line as JSON text.

    Addresses that people type end up in messages, so control characters are spelled out: nobody writes a line of their
    own into the log, or colours the terminal of who reads it.
    """

    def format(self, record: logging.LogRecord) -> str:
        when = self.formatTime(record, "%Y-%m-%dT%H:%M:%S")
        parts = [
            f"{when}.{int(record.msecs):03d}",
            record.levelname,
            record.name,
            f"request_id={request_id.get()}",
        ]
        parts.append(_CONTROL.sub(_spelled_out, " ".join(record.getMessage().splitlines())))
        for name in sorted(set(vars(record)) - _STANDARD - {"exc_text", "status_code"}):
            parts.append(f"{name}={redact(json.dumps(getattr(record, name), default=str))}")
        text = record.exc_text or (self.formatException(record.exc_info) if record.exc_info else "")
        if text:
            parts.append(f"traceback={json.dumps(text)}")
        return " ".join(parts)


def _spelled_out(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


class RequestIdMiddleware:
    """Gives each request an id of our own making, in every log line and in the answer's `X-Request-Id`.

    It stays set when the answer is on its way: Django's line about a 4xx and the server's access line come after the
    middleware, in the same thread, and the thread's next request brings its own.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        chosen = uuid.uuid4().hex[:16]
        request_id.set(chosen)
        response = self.get_response(request)
        response["X-Request-Id"] = chosen
        return response


class RedactingReporterFilter(SafeExceptionReporterFilter):
    """Django's error reports (pages under DEBUG, mails to admins) without tokens in local variables."""

    def get_traceback_frame_variables(self, request: Any, tb_frame: Any) -> Any:
        return [
            (name, redact(value) if isinstance(value, str) else _redact_shown(value))
            for name, value in super().get_traceback_frame_variables(request, tb_frame)
        ]


def _redact_shown(value: object) -> object:
    """`value`, or its redacted text where showing it would show a token."""
    try:
        shown = repr(value)
    except Exception:
        return "[no repr]"
    clean = redact(shown)
    return value if clean == shown else clean


def start_sentry(dsn: str) -> None:
    """Send errors to Sentry, scrubbed, without local variables, bodies, cookies or performance data."""
    import sentry_sdk

    def scrub(event: Any, hint: Any) -> Any:
        return json.loads(redact(json.dumps(event, default=str)))

    sentry_sdk.init(
        dsn=dsn,
        before_send=scrub,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
    )
