"""Logs and error reports, without secrets. structlog writes the lines; what counts as a secret is decided here.

django-structlog's RequestMiddleware is not used: it logs whole addresses (an OAuth code is in one), adds two lines to
each request, and forgets the request's id before gunicorn writes its access line.
"""

import logging
import re
import uuid
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.views.debug import SafeExceptionReporterFilter
from structlog.contextvars import bind_contextvars, get_contextvars, merge_contextvars
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import EventDict

REDACTED = "[redacted]"

# A secret ends at whitespace or a separator, which may be URL-encoded or escaped for HTML.
_VALUE = r"""(?:(?!%22|%26|%27|%2C|&quot;|&amp;)[^\s"'&,;<>{}\\])"""
_QUOTE = r"""(?:\\*["']|%5C|%22|%27|&quot;|&\#x27;)*"""
_SLASH = r"(?:/|%2F)"
_SECRET_NAME = (
    r"client_secret|secret_key|code_verifier|password\d?|token|token_keys|api_key|sessionid|__Host-[\w-]+"
    r"|(?:(?<=%[0-9A-F]{2})|(?<![A-Z0-9_]))code"  # but not status_code or error_code
)
_SECRET_KEY = re.compile(rf"[\w-]*(?:{_SECRET_NAME})|authorization|cookie|set-cookie", re.IGNORECASE)
_PATTERNS = [
    re.compile(pattern)  # the first group stays
    for pattern in (
        # DigitalOcean's prefixes of personal, OAuth access and OAuth refresh tokens, and what Fernet has encrypted.
        r"(do[opr]_v1_)[0-9A-Za-z]+",
        r"()gAAAA[0-9A-Za-z_\-]{40,}(?:=|%3D)*",
        rf"(?i)\b((?:Bearer|Basic)(?:\s|%20|\+)+){_VALUE}{{6,}}",
        # The key in an email (password reset, address confirmation) is part of the address: it opens the account. So is
        # the secret of a feed.
        rf"(?i)({_SLASH}(?:password{_SLASH}reset{_SLASH}key|confirm-email|activity{_SLASH}feed|lost-phone{_SLASH}(?:finish|stop)){_SLASH})"
        r"(?:(?!%2F)[^/\s]){6,}",
        # "name": "value", up to the quote that closes it. In JSON inside of JSON, quotes have backslashes.
        rf"""(?i)((?:{_SECRET_NAME})(?:\\*["'])?\s*[=:]\s*(\\*["']))(?:(?!(?<!\\)\2).){{6,}}(?=\2)""",
        # name=value and name: value, also URL-encoded.
        rf"(?i)((?:{_SECRET_NAME}){_QUOTE}\s*(?:=|:|%3D|%3A)(?:\s|%20|\+)*{_QUOTE}){_VALUE}{{6,}}",
    )
]
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PLAIN = (bool, int, float, type(None))
_SENTRY_HEADERS = {"host", "user-agent", "accept", "content-type", "content-length", "hx-request", "x-request-id"}


def redact(text: str) -> str:
    """`text` without tokens, client secrets, passwords, authorization codes and the keys of email links."""
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\1{REDACTED}", text)
    return text


def redact_value(value: object) -> Any:
    """`value` with every string in it redacted, keys too. What is neither a container nor plain becomes text."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, Mapping):
        return {
            redact(str(key)): REDACTED
            if isinstance(inner, str) and inner and _SECRET_KEY.fullmatch(str(key))
            else redact_value(inner)
            for key, inner in value.items()
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        return [redact_value(inner) for inner in value]
    return redact(_text(value))


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception:
        return "[no text]"


def logging_config(*, debug: bool, loggers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The configuration of `logging` (logging.config.dictConfig): one handler, on standard error.

    Lines are JSON objects, or readable text with `debug`. Each has the id of its request, also in threads that were
    started with a copy of the request's context.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"no_traceback": {"()": NoTraceback}},
        "formatters": {"line": {"()": LineFormatter, "debug": debug}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": loggers,
    }


class LineFormatter(ProcessorFormatter):
    """Formats a record of `logging` with structlog, redacted. What was given with `extra=` is part of the line."""

    def __init__(self, *, debug: bool) -> None:
        last: list[Any] = [structlog.processors.JSONRenderer()]
        if debug:
            last = [_escape_control_characters, structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)]
        super().__init__(
            foreign_pre_chain=[
                merge_contextvars,
                add_logger_name,
                add_log_level,
                ExtraAdder(),
                structlog.processors.TimeStamper(fmt="iso"),
                structlog.processors.format_exc_info,
            ],
            processors=[ProcessorFormatter.remove_processors_meta, _redact_event, *last],
        )


def _redact_event(logger: Any, method: str, event: EventDict) -> EventDict:
    for name in ("request", "server_time"):  # Django's own: objects that no line needs
        event.pop(name, None)
    redacted: EventDict = redact_value(event)
    return redacted


def _escape_control_characters(logger: Any, method: str, event: EventDict) -> EventDict:
    """What people type ends up in messages. It must neither start a line of its own nor colour the terminal."""
    event["event"] = _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), event["event"])
    return event


class NoTraceback(logging.Filter):
    """Makes a record a warning without a traceback, which Sentry ignores too: for errors that only visitors make."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.levelno, record.levelname, record.exc_info = logging.WARNING, "WARNING", None
        return True


_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


class RequestIdMiddleware:
    """Gives each request an id, which all its log lines and the header `X-Request-Id` of its response show.

    Where TRUSTED_PROXIES says that there is a proxy, an `X-Request-Id` of letters, digits and "-" is taken over, and
    the lines have the client's address, as that proxy tells it. Both stay bound after the response: the server's access
    line comes later, in the same thread, whose next request binds its own.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request_id = uuid.uuid4().hex[:16]
        if settings.TRUSTED_PROXIES:
            given = request.headers.get("X-Request-Id", "")
            request_id = given if _REQUEST_ID.fullmatch(given) else request_id
            bind_contextvars(client=_client_address(request, settings.TRUSTED_PROXIES))
        bind_contextvars(request_id=request_id)
        response = self.get_response(request)
        response["X-Request-Id"] = request_id
        return response


def _client_address(request: HttpRequest, proxies: int) -> str:
    """What the outermost trusted proxy has added to X-Forwarded-For; "-" where that is no address."""
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
    try:
        return str(ip_address(hops[-proxies]))
    except (IndexError, ValueError):
        return "-"


class RedactingReporterFilter(SafeExceptionReporterFilter):
    """Django's error pages (with DEBUG on) without secrets in local variables."""

    def get_traceback_frame_variables(self, request: Any, tb_frame: Any) -> Any:
        return [
            (name, redact(value) if isinstance(value, str) else _redact_shown(value))
            for name, value in super().get_traceback_frame_variables(request, tb_frame)
        ]


def _redact_shown(value: object) -> object:
    """`value`, or its redacted text where showing it would show a secret."""
    try:
        shown = repr(value)
    except Exception:
        return "[no repr]"
    clean = redact(shown)
    return value if clean == shown else clean


def start_sentry(dsn: str) -> None:
    """Send errors to Sentry, redacted, without local variables, bodies, cookies or performance data."""
    import sentry_sdk

    sentry_sdk.init(
        dsn=dsn,
        before_send=redact_event,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
    )


def redact_event(event: Any, hint: Any) -> Any:
    """Sentry's event without secrets. Never raises: an event that cannot be redacted is reported with its id alone."""
    try:
        request = dict(event.get("request") or {})
        if request:
            headers = dict(request.get("headers") or {})
            request = {
                "method": request.get("method"),
                "url": str(request.get("url", "")).partition("?")[0],
                "headers": {name: value for name, value in headers.items() if name.lower() in _SENTRY_HEADERS},
            }
        tags = dict(event.get("tags") or {})
        if request_id := get_contextvars().get("request_id"):
            tags["request_id"] = request_id  # the same as in the log lines
        return redact_value({**event, "request": request, "tags": tags})
    except Exception as error:
        kept = {name: event[name] for name in ("event_id", "timestamp", "level", "platform") if name in event}
        return {**kept, "message": f"An error report could not be redacted: {type(error).__name__}"}
