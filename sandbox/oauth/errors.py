"""What the token endpoint refuses, in the words of RFC 6749 section 5.2."""

from __future__ import annotations


class Refused(Exception):
    """A refusal as the endpoint answers it: status, `error` and a description."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        """`error` is one of RFC 6749's codes."""
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


def invalid_request(description: str) -> Refused:
    """Something that the request must carry is missing or malformed."""
    return Refused("invalid_request", description)


def invalid_client() -> Refused:
    """Unknown client, no authentication, or a wrong secret."""
    return Refused(
        "invalid_client",
        "Client authentication failed due to unknown client, no client authentication included, or unsupported "
        "authentication method.",
        401,
    )


def invalid_grant() -> Refused:
    """A code or refresh token that is unknown, used, expired, revoked, or another client's or callback's."""
    return Refused(
        "invalid_grant",
        "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in "
        "the authorization request, or was issued to another client.",
    )


def unsupported_grant_type() -> Refused:
    """A grant_type that this server does not have."""
    return Refused(
        "unsupported_grant_type", "The authorization grant type is not supported by the authorization server."
    )
