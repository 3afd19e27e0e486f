"""HTTP to DigitalOcean: every call of Conveyor goes through `send`.

Each call has a total deadline and is sent once. Redirects are not followed, so that a token goes to the configured host
only; netrc, cookies and the environment's proxies are not used. `send` returns an `Answer` or raises one of `errors`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from http.cookiejar import DefaultCookiePolicy
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import msgspec
import requests
import urllib3
from requests.adapters import HTTPAdapter

from digitalocean_client import errors
from digitalocean_client.answers import Answer, error_of, request_id_of
from digitalocean_client.deadline import POOL_CLASSES, Deadline

LARGEST_BODY = 32 * 1024 * 1024
"""Bytes. A page of 200 droplets is about 0.6 MB; a much larger body is not a real answer."""

POOL_SIZE = 64
"""Connections kept alive per host: as many as a page's calls at once, because requests closes what is beyond."""


Observer = Callable[[str, str, float, str], None]
"""Takes an endpoint such as "GET /v2/droplets/{id}", "ok" or the error's code, the seconds, and the request id."""

observers: list[Observer] = []
"""Told of each call when it has ended, on the call's thread. They must not raise."""

_WORDS = frozenset(
    """
    v1 v2 oauth token revoke authorize account droplets actions tags resources volumes vpcs reserved_ips images sizes
    snapshots backups policy firewalls monitoring metrics droplet cpu load_1 load_5 load_15 memory_total memory_free
    memory_available memory_cached filesystem_free filesystem_size bandwidth
    """.split()  # noqa: SIM905  # a list of so many words is easier to read like this
)


class _Adapter(HTTPAdapter):
    """requests' adapter over connections that a `Deadline` can end."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOL_CLASSES


def _new_session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # else ~/.netrc replaces the Bearer header, and a proxy variable reroutes tokens
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # no team's cookie goes to another team
    adapter = _Adapter(pool_connections=4, pool_maxsize=POOL_SIZE, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.headers.update({"User-Agent": "Conveyor", "Accept": "application/json"})
    return session


_session = _new_session()


def send(
    method: str,
    url: str,
    *,
    timeout: float,
    token: str = "",
    params: Mapping[str, str | int] | None = None,
    form: Mapping[str, str] | None = None,
    json: Any = None,
) -> Answer:
    """Send one request, once, and return its 2xx answer.

    `timeout` is the seconds for the whole call, however slowly the answer comes. Raises a `DigitalOceanError`:
    `TooSlow` and `AnswerLost` where the request may have taken effect, `Unavailable` where it has not or the status is
    5xx, and for other statuses the error that `errors` names.
    """
    began = monotonic()
    outcome: Answer | errors.DigitalOceanError = errors.UnexpectedAnswer("interrupted")
    try:
        outcome = _send(method, url, timeout=timeout, token=token, params=params, form=form, json=json)
    finally:
        for observer in observers:
            code = outcome.code if isinstance(outcome, errors.DigitalOceanError) else "ok"
            observer(f"{method} {template(url)}", code, monotonic() - began, outcome.request_id)
    if isinstance(outcome, errors.DigitalOceanError):
        raise outcome
    return outcome


def probe(url: str, *, timeout: float, params: Mapping[str, str] | None = None) -> tuple[int, Mapping[str, str]]:
    """The status and the headers of a GET without a token, whatever the status is. Raises as `send` without an answer.

    For `manage.py doctor`.
    """
    received = _exchange("GET", url, timeout, params=params, headers={"Accept": "*/*"})
    if isinstance(received, errors.DigitalOceanError):
        raise received
    return received[0].status_code, received[0].headers


def template(url: str) -> str:
    """The path of a URL with `{id}` in the place of all that is not a word of the API: ids, tags, other names.

    >>> template("https://api.digitalocean.com/v2/tags/production/resources?page=2")
    '/v2/tags/{id}/resources'
    """
    parts = urlsplit(url).path.strip("/").split("/")
    return "/" + "/".join(part if part in _WORDS else "{id}" for part in parts)


def _send(
    method: str,
    url: str,
    *,
    timeout: float,
    token: str,
    params: Mapping[str, str | int] | None,
    form: Mapping[str, str] | None,
    json: Any,
) -> Answer | errors.DigitalOceanError:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if json is not None:
        headers["Content-Type"] = "application/json"
    if timeout <= 0:
        return errors.TooSlow("no time left")
    body = form if json is None else msgspec.json.encode(json)
    received = _exchange(method, url, timeout, params=params, data=body, headers=headers)
    if isinstance(received, errors.DigitalOceanError):
        return received
    response, content = received
    request_id = request_id_of(response.headers.get("x-request-id", ""))
    answer = Answer(response.status_code, response.headers, content, request_id)
    if 200 <= answer.status < 300:
        return answer
    return error_of(answer)


def _exchange(
    method: str, url: str, timeout: float, **options: Any
) -> tuple[requests.Response, bytes] | errors.DigitalOceanError:
    """The answer and its content, or the error. It is returned and not raised here, because the exceptions of requests
    carry the request, and with it the token, and an exception raised while another is handled keeps that one."""
    with _session_for(method) as session, Deadline(timeout) as deadline:
        try:
            response = session.request(
                method, url, timeout=deadline.left, allow_redirects=False, stream=True, **options
            )
            with closing(response):
                content = _read(response)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            return _broken(error, deadline)
        if deadline.expired and "content-length" not in response.headers:
            # urllib3 checks the length if there is one; without one, an answer that was cut looks complete.
            return errors.TooSlow("the deadline cut the answer short")
    return response, content


@contextmanager
def _session_for(method: str) -> Iterator[requests.Session]:
    """GETs reuse open connections. Other requests open a new one: an old one may be closing at this moment, and a
    request that was lost must not be sent again."""
    if method == "GET":
        yield _session
    else:
        with _new_session() as session:
            session.headers["Connection"] = "close"
            yield session


def _read(response: requests.Response) -> bytes:
    content = bytearray()
    for chunk in response.iter_content(65536):
        content += chunk
        if len(content) > LARGEST_BODY:
            raise ValueError("body too large")
    return bytes(content)


def _broken(error: Exception, deadline: Deadline) -> errors.DigitalOceanError:
    """The error for an incomplete answer. Only the exception's class goes into it: its text may hold the token."""
    kind = type(error).__name__
    if deadline.expired or isinstance(error, (requests.Timeout, TimeoutError)):
        return errors.TooSlow(kind) if deadline.sent else errors.Unavailable(f"no connection in time ({kind})")
    if isinstance(error, ValueError) and not isinstance(error, requests.RequestException):
        return errors.UnexpectedAnswer("the answer is far too large or malformed")
    if deadline.sent:
        return errors.AnswerLost(kind)
    return errors.Unavailable(f"no connection ({kind})")
