"""What can go wrong between Conveyor and DigitalOcean: one class for each thing that a person can do about it.

`answers.error_of` decides which status becomes which class. `sentence` is for people, `str()` is for logs. Neither ever
holds a token.
"""

from datetime import datetime


class DigitalOceanError(Exception):
    """The base class. `request_id` is DigitalOcean's, for its support; `retry_at` is when to try again."""

    code = "error"
    sentence = "DigitalOcean could not be reached. Try again in a few minutes."

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
    """The owner has to connect this team again."""

    code = "needs_reconnect"
    sentence = "DigitalOcean no longer accepts this connection. Connect this team again."


class TokenRejected(DigitalOceanError):
    """401: the access token does not work. `accounts.tokens` then refreshes it."""

    code = "token_rejected"
    sentence = "DigitalOcean did not accept Conveyor's access token."


class InvalidGrant(DigitalOceanError):
    """The token endpoint's `invalid_grant` (RFC 6749 §5.2): the code or refresh token is used, expired or revoked."""

    code = "invalid_grant"
    sentence = "This authorization has expired. Connect the team again."


class Misconfigured(DigitalOceanError):
    """`invalid_client` and the like: Conveyor's own client ID or secret is wrong. Its operator has to correct it."""

    code = "misconfigured"
    sentence = "Conveyor is not set up correctly for DigitalOcean. Its operator has to correct this."


class NotAllowed(DigitalOceanError):
    """403: the token works, but its scope, the person's role or the account does not allow this.

    `sentence` has DigitalOcean's reason where it gave one.
    """

    code = "not_allowed"
    sentence = "This connection does not have the permission for this."


class NotFound(DigitalOceanError):
    """404: it does not exist, or this team cannot see it."""

    code = "not_found"
    sentence = "Not found at DigitalOcean; it may have been deleted."


class Refused(DigitalOceanError):
    """Another 4xx: DigitalOcean understood and refused. `sentence` has its reason where it gave one."""

    code = "refused"
    sentence = "DigitalOcean refused this."


class RateLimited(DigitalOceanError):
    """429: wait until `retry_at`."""

    code = "rate_limited"
    sentence = "DigitalOcean's rate limit for this team is reached."


class Unavailable(DigitalOceanError):
    """DigitalOcean, or something in front of it, is down or cannot be reached. Try again later."""

    code = "unavailable"
    sentence = "DigitalOcean is having trouble answering."


class TooSlow(Unavailable):
    """No complete answer before the call's timeout."""

    code = "too_slow"
    sentence = "DigitalOcean answered too slowly."


class AnswerLost(Unavailable):
    """The request was sent and no answer arrived: it may or may not have taken effect."""

    code = "answer_lost"
    sentence = "The connection broke before DigitalOcean answered."


class UnexpectedAnswer(DigitalOceanError):
    """An answer that DigitalOcean does not document: HTML, a redirect, other JSON."""

    code = "unexpected_answer"
    sentence = "DigitalOcean sent an unexpected answer."


def by_code(code: str) -> type[DigitalOceanError]:
    """The class for a stored `code`, to show an earlier error again."""
    return _BY_CODE.get(code, Unavailable)


_BY_CODE: dict[str, type[DigitalOceanError]] = {
    kind.code: kind for kind in (RateLimited, Unavailable, TooSlow, AnswerLost, UnexpectedAnswer, Misconfigured)
}
