"""Error bodies of the API: `{id, message, request_id}`."""

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
    """A refusal of the API. The text is what the body's `message` says."""

    def __init__(self, status: int, message: str) -> None:
        """`status` picks the body's `id`."""
        super().__init__(message)
        self.status = status
        self.message = message


def unauthorized() -> ApiError:
    """No token, or one that does not work."""
    return ApiError(401, "Unable to authenticate you.")


def forbidden() -> ApiError:
    """A working token whose scope does not reach this."""
    return ApiError(403, "You are not authorized to perform this operation.")


def not_found() -> ApiError:
    """Gone, or another team's."""
    return ApiError(404, "The resource you requested could not be found.")


def unprocessable(message: str) -> ApiError:
    """A parameter with a value that cannot be."""
    return ApiError(422, message)


def answer(status: int, message: str, request_id: str) -> web.Response:
    """The body that every refusal has; without a request id the field is left out."""
    body = {"id": IDS.get(status, "server_error"), "message": message}
    if request_id:
        body["request_id"] = request_id
    return web.json_response(body, status=status)
