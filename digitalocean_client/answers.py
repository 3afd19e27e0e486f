"""An answer of DigitalOcean: its body, its rate limit, and the error that a status other than 2xx means."""

import json as json_library
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from digitalocean_client import errors
from digitalocean_client.text import clean_text

_RETRY_AFTER_LIMIT = 3600
_RATE_LIMIT = ("limit", "remaining", "reset")


class Allowance(msgspec.Struct, frozen=True):
    """How many calls an hour a token has, how many of them are left, and when the next one comes back.

    https://docs.digitalocean.com/reference/api/ (Rate Limit): `ratelimit-limit`, `-remaining` and `-reset`.
    """

    limit: int
    remaining: int
    reset_at: datetime


class Answer(msgspec.Struct, frozen=True):
    """A 2xx answer. `request_id` is DigitalOcean's `x-request-id`, empty where it sent none."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    request_id: str

    def __repr__(self) -> str:
        return f"Answer({self.status}, {len(self.body)} bytes, request {self.request_id or '-'})"

    @property
    def allowance(self) -> Allowance | None:
        """None where the answer's headers are missing or are not numbers."""
        limit, remaining, reset = (_number(self.headers.get(f"ratelimit-{name}", "")) for name in _RATE_LIMIT)
        if limit is None or remaining is None or reset is None:
            return None
        with suppress(ValueError, OverflowError, OSError):
            return Allowance(int(limit), int(remaining), datetime.fromtimestamp(reset, UTC))
        return None

    def json(self) -> dict[str, Any]:
        """The JSON object in the body. Raises `UnexpectedAnswer` where there is none."""
        with suppress(ValueError, RecursionError):
            found = loads(self.body)
            if isinstance(found, dict):
                return found
        raise self.unexpected("not a JSON object")

    def unexpected(self, detail: str) -> errors.UnexpectedAnswer:
        return errors.UnexpectedAnswer(detail, status=self.status, request_id=self.request_id)


def error_of(answer: Answer) -> errors.DigitalOceanError:
    """The exception for a status, from a table. DigitalOcean's words never decide; some classes show them.

    Bodies: the API's `id`, `message`, `errors` and `request_id`, OAuth's `error` (RFC 6749 §5.2).
    """
    problem = _problem(answer)
    texts = {name: text for name, text in (problem or {}).items() if isinstance(text, str)}
    code = clean_text((texts.get("error") or texts.get("id", ""))[:60])
    status = answer.status
    kind: type[errors.DigitalOceanError]
    retry_at, sentence = None, ""
    if status == 404 and not code:
        kind = errors.UnexpectedAnswer  # from something in front of DigitalOcean: the droplet may still be there
    elif status in (401, 403) and problem is None:
        kind = errors.Unavailable  # likewise: it says nothing about the token
    elif status == 429:
        kind, retry_at = errors.RateLimited, _retry_at(answer.headers)
    elif status >= 500:
        kind, retry_at = errors.Unavailable, _retry_at(answer.headers, default=None)
    elif status >= 400:
        kind = _BY_STATUS.get(status, errors.Refused)
    else:
        kind = errors.UnexpectedAnswer
    if problem and kind in (errors.NotAllowed, errors.Refused):
        parts = [texts.get("message") or texts.get("error_description", ""), *_texts(problem.get("errors"))]
        words = _SECRET.sub("…", clean_text("; ".join(filter(None, dict.fromkeys(map(str.strip, parts))))))[:300]
        sentence = f"DigitalOcean refused this: {words}" if words.rstrip(".") not in _NO_REASON else ""
    request_id = answer.request_id or request_id_of(texts.get("request_id", ""))
    return kind(code, status=status, request_id=request_id, retry_at=retry_at, sentence=sentence)


def _problem(answer: Answer) -> dict[str, Any] | None:
    """An error's body; None for a page of something in front of DigitalOcean, such as a load balancer."""
    with suppress(errors.UnexpectedAnswer):
        return answer.json() if answer.body else {}
    return None


def _texts(value: Any) -> Iterator[str]:
    """The texts in `errors`, which DigitalOcean does not document: a list or an object, of texts or of objects."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


def request_id_of(text: str) -> str:
    """DigitalOcean's are UUIDs. Nothing else is taken for one: they are shown, and no token must be."""
    return text[:100] if text.isascii() and all(c.isalnum() or c == "-" for c in text) else ""


_NO_REASON = {
    "",
    "You are not authorized to perform this operation",
    "You do not have access for the attempted action",
}
"""DigitalOcean's words where a scope is missing, which say less than the class's own sentence."""

_SECRET = re.compile(r"\bdo[a-z]_v1_\w+|\b[\w-]{40,}")
"""What could be a token, in DigitalOcean's words."""

_BY_STATUS: dict[int, type[errors.DigitalOceanError]] = {
    401: errors.TokenRejected,
    403: errors.NotAllowed,
    404: errors.NotFound,
}


def _retry_at(headers: Mapping[str, str], default: int | None = 60) -> datetime | None:
    """When DigitalOcean asks to come back: `retry-after` (seconds, or a date as RFC 9110 §10.2.3 allows), else
    `ratelimit-reset` (epoch seconds), else in `default` seconds. Never more than an hour from now."""
    now = datetime.now(UTC)
    seconds: float | None = None
    if value := headers.get("retry-after"):
        seconds = _seconds(value, now)
    elif (value := headers.get("ratelimit-reset")) and headers.get("ratelimit-remaining") == "0":
        reset = _number(value)
        seconds = None if reset is None else reset - now.timestamp()
    if seconds is None:
        seconds = default
    if seconds is None:
        return None
    return now + timedelta(seconds=min(max(seconds, 1), _RETRY_AFTER_LIMIT))


def _seconds(value: str, now: datetime) -> float | None:
    seconds = _number(value)
    if seconds is None:
        with suppress(ValueError, TypeError):
            seconds = (parsedate_to_datetime(value) - now).total_seconds()
    return seconds


def _number(value: str) -> float | None:
    """None for what is no number, "nan" included."""
    with suppress(ValueError):
        number = float(value)
        return None if math.isnan(number) else number
    return None


def loads(body: bytes) -> Any:
    """The JSON as plain Python values. Raises ValueError or RecursionError.

    msgspec, though faster, refuses a whole body for one lone surrogate or one number out of range.
    """
    text = body.decode("utf-8", "replace")
    return json_library.loads(text, parse_int=_integer, parse_constant=lambda _: None)


def _integer(digits: str) -> int | float:
    """Python refuses to read an int of more than 4,300 digits."""
    return int(digits) if len(digits) < 100 else float(digits)
