"""Calls to DigitalOcean's API v2: GET, POST and DELETE, which every endpoint's function uses.

They know nothing of users, caches or pages, and are safe to call from any thread. `deadline` is a moment of
`time.monotonic`: no call goes on after it.
"""

import random
from collections.abc import Mapping
from time import monotonic, sleep

from django.conf import settings

from digitalocean_client import errors, http
from digitalocean_client.answers import Answer

PER_PAGE = 200
"""Items per page: DigitalOcean's maximum."""

CALL_TIMEOUT = 10.0
"""Seconds for one call, even where the deadline is later."""

_RETRIED = {401, 403, 502, 503, 504}
"""Statuses of `Unavailable` after which a second GET may work: they come from something in front of DigitalOcean."""


def get(token: str, path: str, *, params: Mapping[str, str | int] | None = None, deadline: float) -> Answer:
    """Send a GET, and once more where that can help and there is time. Raises a `DigitalOceanError`."""
    try:
        return http.send("GET", _url(path), timeout=_timeout(deadline), token=token, params=params)
    except errors.Unavailable as error:
        pause = random.uniform(0.05, 0.25)  # noqa: S311  # so that not all calls are repeated at once; no secret
        if not _is_worth_retrying(error) or monotonic() + pause >= deadline:
            raise
        sleep(pause)
    return http.send("GET", _url(path), timeout=_timeout(deadline), token=token, params=params)


def post(token: str, path: str, body: Mapping[str, object], *, deadline: float) -> Answer:
    """Send a POST, once: it may have taken effect even if the answer was lost. Raises a `DigitalOceanError`."""
    return http.send("POST", _url(path), timeout=_timeout(deadline), token=token, json=body)


def delete(token: str, path: str, body: Mapping[str, object] | None = None, *, deadline: float) -> Answer:
    """Send a DELETE, once. Raises a `DigitalOceanError`."""
    return http.send("DELETE", _url(path), timeout=_timeout(deadline), token=token, json=body)


def _url(path: str) -> str:
    return f"{settings.DIGITAL_OCEAN_API_URL}{path}"


def _timeout(deadline: float) -> float:
    return min(deadline - monotonic(), CALL_TIMEOUT)


def _is_worth_retrying(error: errors.Unavailable) -> bool:
    """Not after a slow answer, nor where DigitalOcean names a later time."""
    if isinstance(error, errors.AnswerLost):
        return True
    return error.status in _RETRIED and error.retry_at is None
