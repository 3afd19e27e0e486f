"""Several API calls on behalf of one connection, side by side, each with an outcome of its own."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from accounts.models import Connection
from accounts.tokens import access_tokens
from digitalocean_client import errors, executor
from droplets.calls import rate_limit

T = TypeVar("T")

Call = Callable[[str, float], T]
"""An API call: takes the token and its deadline, of `time.monotonic`. It runs in a thread: no database."""


def fetch_all(
    connection: Connection, calls: Mapping[str, Call[T]], *, deadline: float, for_action: bool = False
) -> dict[str, T | errors.DigitalOceanError]:
    """The result of each call, or the error it ended with, by `deadline` (of `time.monotonic`). All run at once.

    Never raises for a call. Calls whose token is rejected are made once more with a refreshed token, so pass none that
    changes anything. Each call is counted against the connection's rate limits before it is made; the further pages
    of a long list are not. `for_action`: the calls may also use what reads leave to actions.
    """
    if not calls:
        return {}
    token = _reserve(connection, len(calls), for_action) or token_of(connection, deadline=deadline)
    answers = _run(calls, token, deadline)
    rejected = [name for name, answer in answers.items() if isinstance(answer, errors.TokenRejected)]
    if rejected and isinstance(token, str):
        token = _reserve(connection, len(rejected), for_action) or token_of(
            connection, deadline=deadline, rejected=token
        )
        answers |= _run({name: calls[name] for name in rejected}, token, deadline)
    for answer in answers.values():
        rate_limit.note_limit(connection.pk, answer)
    return answers


def _reserve(connection: Connection, calls: int, for_action: bool) -> errors.RateLimited | None:
    """Count so many calls and return None, or the error that says when they may be made."""
    later = rate_limit.reserve(connection.pk, calls, for_reading=not for_action)
    return errors.RateLimited("not sent, to stay under the limit", retry_at=later) if later else None


def fetch(connection: Connection, call: Call[T], *, deadline: float) -> T:
    """The result of a single call. Raises the `DigitalOceanError` it ended with."""
    answer = fetch_all(connection, {"call": call}, deadline=deadline)["call"]
    if isinstance(answer, errors.DigitalOceanError):
        raise answer
    return answer


def token_of(connection: Connection, *, deadline: float, rejected: str = "") -> str | errors.DigitalOceanError:
    """A usable token, or the error why there is none. `rejected` is a token that DigitalOcean answered with 401."""
    known = {connection.pk: rejected} if rejected else None
    [(_, token)] = access_tokens([connection], deadline=deadline, rejected=known)
    return token


def _run(
    calls: Mapping[str, Call[T]], token: str | errors.DigitalOceanError, deadline: float
) -> dict[str, T | errors.DigitalOceanError]:
    if isinstance(token, errors.DigitalOceanError):
        return dict.fromkeys(calls, token)
    running: executor.Calls[str, T] = executor.Calls()
    for name, call in calls.items():
        running.start(name, call, token, deadline)
    too_slow = {name: errors.TooSlow("the page could not wait for it") for name in calls}
    return {**too_slow, **dict(running.completed(deadline=deadline))}
