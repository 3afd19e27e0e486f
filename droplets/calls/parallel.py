"""Several questions about one connection, asked side by side, each with an outcome of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from time import monotonic
from typing import TypeVar

from accounts.models import Connection
from accounts.tokens import access_tokens
from digitalocean_client import errors
from droplets.calls import rate_limit

T = TypeVar("T")

Call = Callable[[str, float], T]
"""A call of the API: takes the token and the moment of `time.monotonic` that ends it. Runs in a worker: no database."""

log = logging.getLogger(__name__)

_AT_ONCE = 16  # a page of graphs asks thirteen


def fetch_all(
    connection: Connection, questions: Mapping[str, Call[T]], *, deadline: float, for_action: bool = False
) -> dict[str, T | errors.DigitalOceanError]:
    """The answer to each question, or the error that it ended in, by `deadline` (of `time.monotonic`).

    Never raises for a question. A token that is rejected is renewed and those questions are asked once more, so none
    of them may be one that acts. Each question counts as one call against the connection's limits before it is asked;
    the further pages of a long list do not. `for_action`: the calls may also use what reads leave to actions.
    """
    if not questions:
        return {}
    token = _reserved(connection, len(questions), for_action) or token_of(connection, deadline=deadline)
    answers = _answers(questions, token, deadline)
    rejected = [name for name, answer in answers.items() if isinstance(answer, errors.TokenRejected)]
    if rejected and isinstance(token, str):
        token = _reserved(connection, len(rejected), for_action) or token_of(
            connection, deadline=deadline, rejected=token
        )
        answers |= _answers({name: questions[name] for name in rejected}, token, deadline)
    for answer in answers.values():
        rate_limit.note_limit(connection.pk, answer)
    return answers


def _reserved(connection: Connection, calls: int, for_action: bool) -> errors.RateLimited | None:
    """Why so many calls may not be made now; None where they may, and are counted."""
    later = rate_limit.reserve(connection.pk, calls, for_reading=not for_action)
    return errors.RateLimited("not asked, to stay under the limit", retry_at=later) if later else None


def fetch(connection: Connection, question: Call[T], *, deadline: float) -> T:
    """The answer to a single question. Raises the `DigitalOceanError` that it ended in."""
    answer = fetch_all(connection, {"it": question}, deadline=deadline)["it"]
    if isinstance(answer, errors.DigitalOceanError):
        raise answer
    return answer


def token_of(connection: Connection, *, deadline: float, rejected: str = "") -> str | errors.DigitalOceanError:
    """A usable token, or why there is none. `rejected` is one that DigitalOcean answered with 401."""
    known = {connection.pk: rejected} if rejected else None
    [(_, token)] = access_tokens([connection], deadline=deadline, rejected=known)
    return token


def _answers(
    questions: Mapping[str, Call[T]], token: str | errors.DigitalOceanError, deadline: float
) -> dict[str, T | errors.DigitalOceanError]:
    if isinstance(token, errors.DigitalOceanError):
        return dict.fromkeys(questions, token)
    pool = ThreadPoolExecutor(min(len(questions), _AT_ONCE), thread_name_prefix="ask")
    try:
        futures = {
            name: pool.submit(copy_context().run, _answer, question, token, deadline)
            for name, question in questions.items()
        }
        wait(futures.values(), timeout=max(deadline - monotonic(), 0))
        return {
            name: future.result() if future.done() else errors.TooSlow("the page could not wait for it")
            for name, future in futures.items()
        }
    finally:
        # What is under way ends by itself at the deadline; waiting for it would move that.
        pool.shutdown(wait=False, cancel_futures=True)


def _answer(question: Call[T], token: str, deadline: float) -> T | errors.DigitalOceanError:
    try:
        return question(token, deadline)
    except errors.DigitalOceanError as error:
        return error
    except Exception:
        log.exception("A question to DigitalOcean failed")
        return errors.UnexpectedAnswer("an answer that Conveyor cannot work with")
