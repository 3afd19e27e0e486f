"""DigitalOcean's API v2: how it is asked, and the endpoints that list and tell droplets.

The other endpoints are with the capability that uses them, over the same `get`, `post` and `delete`. None knows of
users, caches or pages. Safe to call from any thread. `deadline` is a moment of `time.monotonic`: no call goes on beyond
it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from time import monotonic, sleep

from django.conf import settings

from digitalocean_client import errors, http, schema

PER_PAGE = 200
"""Rows of a page: the most that DigitalOcean gives."""

CALL_TIMEOUT = 10.0
"""Seconds for one call, where its reading has more: what hangs that long is asked for again another time."""

_PASSING = {502, 503, 504}


def droplets_page(token: str, *, page: int, gpus: bool, deadline: float) -> schema.Page:
    """Page `page`, from 1, of a team's droplets. GPU droplets are a listing of their own; without `gpus`, none comes.

    Raises a `DigitalOceanError`. Addresses of pages are computed: those that an answer names could lead a token away.
    """
    params: dict[str, str | int] = {"page": page, "per_page": PER_PAGE}
    if gpus:
        params["type"] = "gpus"
    return schema.page(get(token, "/droplets", params=params, deadline=deadline))


def droplet(token: str, droplet_id: int, *, deadline: float) -> schema.Droplet:
    """One droplet, of either kind. Raises a `DigitalOceanError`, `NotFound` when this team has none of that id."""
    answer = get(token, f"/droplets/{droplet_id}", deadline=deadline)
    found = schema.droplet(answer)
    if found.id != droplet_id:
        raise answer.unexpected("another droplet than was asked for")
    return found


def get(token: str, path: str, *, params: Mapping[str, str | int] | None = None, deadline: float) -> http.Answer:
    """A GET, and once more where that can help and there is time. Raises a `DigitalOceanError`."""
    try:
        return http.send("GET", _url(path), timeout=_timeout(deadline), token=token, params=params)
    except errors.Unavailable as error:
        pause = random.uniform(0.05, 0.25)  # noqa: S311  # so that not all come back at once; no secret
        if not _may_pass(error) or monotonic() + pause >= deadline:
            raise
        sleep(pause)
    return http.send("GET", _url(path), timeout=_timeout(deadline), token=token, params=params)


def post(token: str, path: str, body: Mapping[str, object], *, deadline: float) -> http.Answer:
    """A POST, sent once: what was lost on the way may have taken effect. Raises a `DigitalOceanError`."""
    return http.send("POST", _url(path), timeout=_timeout(deadline), token=token, json=body)


def delete(token: str, path: str, *, deadline: float) -> http.Answer:
    """A DELETE, sent once. Raises a `DigitalOceanError`."""
    return http.send("DELETE", _url(path), timeout=_timeout(deadline), token=token)


def _url(path: str) -> str:
    return f"{settings.DIGITAL_OCEAN_API_URL}{path}"


def _timeout(deadline: float) -> float:
    return min(deadline - monotonic(), CALL_TIMEOUT)


def _may_pass(error: errors.Unavailable) -> bool:
    """Whether a second try at once makes sense: not after a slow answer, nor where DigitalOcean names a later time."""
    if isinstance(error, errors.AnswerLost):
        return True
    return error.status in _PASSING and error.retry_at is None
