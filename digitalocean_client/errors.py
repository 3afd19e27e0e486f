"""What can go wrong between Conveyor and DigitalOcean: one class for each thing that a person can do about it.

`sentence` is what a person may read; `str()` is for logs. Neither ever holds a token.
"""

from __future__ import annotations

from datetime import datetime


class DigitalOceanError(Exception):
    """The root. `request_id` is DigitalOcean's, for its support; `retry_at` is when trying again makes sense."""

    code = "error"
    sentence = "DigitalOcean could not be asked just now."

    def __init__(
        self,
        detail: str = "",
        *,
        status: int | None = None,
        request_id: str = "",
        retry_at: datetime | None = None,
        sentence: str = "",
    ) -> None:
        self.detail = detail
        self.status = status
        self.request_id = request_id
        self.retry_at = retry_at
        if sentence:
            self.sentence = sentence
        super().__init__(detail)

    def __str__(self) -> str:
        parts = [self.code, self.detail]
        if self.status is not None:
            parts.append(f"status {self.status}")
        if self.request_id:
            parts.append(f"request {self.request_id}")
        return ", ".join(part for part in parts if part)


class NeedsReconnect(DigitalOceanError):
    """The person has to connect this team again."""

    code = "needs_reconnect"
    sentence = "DigitalOcean no longer accepts this connection. It was probably revoked in its panel."


class TokenRejected(DigitalOceanError):
    """401: this access token does not work (any more). The token service decides what that means."""

    code = "token_rejected"
    sentence = "DigitalOcean did not accept Conveyor's access."


class InvalidGrant(DigitalOceanError):
    """The token endpoint's `invalid_grant` (RFC 6749 §5.2): this code or refresh token is spent, expired or revoked."""

    code = "invalid_grant"
    sentence = "DigitalOcean no longer accepts this authorization."


class Misconfigured(DigitalOceanError):
    """`invalid_client` and the like: Conveyor's own credentials are wrong. Its operator has to act."""

    code = "misconfigured"
    sentence = "Conveyor's own access to DigitalOcean is not set up correctly. Its operator has been told."


class NotAllowed(DigitalOceanError):
    """403: the token works, but its scope or the person's role does not reach this far."""

    code = "not_allowed"
    sentence = "This connection's access does not reach this far."


class NotFound(DigitalOceanError):
    """404: it is gone, or this team cannot see it."""

    code = "not_found"
    sentence = "DigitalOcean does not know it (any more)."


class Refused(DigitalOceanError):
    """Another 4xx: DigitalOcean understood and said no. `sentence` carries its words."""

    code = "refused"
    sentence = "DigitalOcean refused this."


class RateLimited(DigitalOceanError):
    """429: wait until `retry_at`."""

    code = "rate_limited"
    sentence = "This team has used up its calls to DigitalOcean for now."


class Unavailable(DigitalOceanError):
    """DigitalOcean is down, or cannot be reached, or said so. Nothing was lost; try later."""

    code = "unavailable"
    sentence = "DigitalOcean is having trouble answering."


class TooSlow(Unavailable):
    """No whole answer within the time that the call had."""

    code = "too_slow"
    sentence = "DigitalOcean answered too slowly."


class AnswerLost(Unavailable):
    """The request was sent, the answer never arrived: it may or may not have taken effect."""

    code = "answer_lost"
    sentence = "DigitalOcean's answer was lost on the way."


class UnexpectedAnswer(DigitalOceanError):
    """An answer that is not what DigitalOcean documents: HTML, a redirect, the wrong shape."""

    code = "unexpected_answer"
    sentence = "DigitalOcean answered with something that makes no sense."


def by_code(code: str) -> type[DigitalOceanError]:
    """The class whose `code` was written down, for telling again what went wrong earlier."""
    return _BY_CODE.get(code, Unavailable)


_BY_CODE: dict[str, type[DigitalOceanError]] = {
    kind.code: kind for kind in (RateLimited, Unavailable, TooSlow, AnswerLost, UnexpectedAnswer, Misconfigured)
}
