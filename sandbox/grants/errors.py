"""Errors of the token endpoint (RFC 6749 section 5.2)."""

from __future__ import annotations


class OAuthError(Exception):
    """An error response: status, `error` and `error_description`."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        """`error` is one of RFC 6749's codes."""
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


def invalid_request(description: str) -> OAuthError:
    """A required parameter is missing or malformed."""
    return OAuthError("invalid_request", description)


def invalid_client() -> OAuthError:
    """Unknown client, no authentication, or a wrong secret."""
    return OAuthError(
        "invalid_client",
        "Client authentication failed due to unknown client, no client authentication included, or unsupported "
        "authentication method.",
        401,
    )


def invalid_grant() -> OAuthError:
    """A code or refresh token that is unknown, used, expired, revoked, or was issued for another client or callback."""
    return OAuthError(
        "invalid_grant",
        "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in "
        "the authorization request, or was issued to another client.",
    )


def unsupported_grant_type() -> OAuthError:
    """A grant_type that this server does not support."""
    return OAuthError(
        "unsupported_grant_type", "The authorization grant type is not supported by the authorization server."
    )
