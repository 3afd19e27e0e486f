"""Errors of the API and their bodies: `{id, message, request_id}`."""

from __future__ import annotations

from aiohttp import web

# The ids in the examples of DigitalOcean's API reference.
IDS = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    412: "precondition_failed",
    422: "unprocessable_entity",
    429: "too_many_requests",
    500: "server_error",
    503: "service_unavailable",
}


class ApiError(Exception):
    """An error response of the API. `message` goes into the body."""

    def __init__(self, status: int, message: str) -> None:
        """`status` is the HTTP status; it also decides the body's `id`."""
        super().__init__(message)
        self.status = status
        self.message = message


def unauthorized() -> ApiError:
    """401: no token, or an invalid one."""
    return ApiError(401, "Unable to authenticate you.")


def forbidden() -> ApiError:
    """403: a valid token without the scope that this needs."""
    return ApiError(403, "You are not authorized to perform this operation.")


def not_found() -> ApiError:
    """404: it does not exist, or belongs to another team."""
    return ApiError(404, "The resource you requested could not be found.")


def unprocessable(message: str) -> ApiError:
    """422: a parameter has an invalid value."""
    return ApiError(422, message)


def response(status: int, message: str, request_id: str) -> web.Response:
    """An error response. With an empty request id the body has no `request_id`."""
    body = {"id": IDS.get(status, "server_error"), "message": message}
    if request_id:
        body["request_id"] = request_id
    return web.json_response(body, status=status)
