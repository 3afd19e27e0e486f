"""One line per event, with the request's id, and no secret in it whichever way it came."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from io import StringIO

import pytest
from django.http import HttpRequest, HttpResponse

from conveyor.logs import LineFormatter, RedactingFilter, RedactingReporterFilter, RequestIdMiddleware, redact

ACCESS = f"doo_v1_{'0a' * 32}"
REFRESH = f"dor_v1_{'1b' * 32}"
PERSONAL = f"dop_v1_{'2c' * 32}"
SEALED = f"gAAAAAB{'k-_' * 30}=="


@pytest.fixture
def written() -> Iterator[StringIO]:
    """What the logger "tried" writes, set up as the settings do it."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter())
    handler.addFilter(RedactingFilter())
    log = logging.getLogger("tried")
    log.addHandler(handler)
    log.propagate = False
    yield stream
    log.removeHandler(handler)


log = logging.getLogger("tried")


def the_line(written: StringIO) -> str:
    text = written.getvalue()
    assert text.count("\n") == 1, text
    for secret in (ACCESS, REFRESH, PERSONAL, SEALED, "hunter2"):
        assert secret not in text
    return text.rstrip("\n")


@pytest.mark.parametrize("secret", [ACCESS, REFRESH, PERSONAL, SEALED])
def test_tokens_in_messages_and_arguments(written: StringIO, secret: str) -> None:
    log.warning(f"{secret} and %s and %r", secret, {"token": secret})

    assert the_line(written).count("[redacted]") == 3


def test_tokens_in_tracebacks(written: StringIO) -> None:
    def fail(token: str) -> None:
        raise ValueError(f"DigitalOcean said no to {token}")

    try:
        try:
            fail(ACCESS)
        except ValueError as error:
            raise RuntimeError(REFRESH) from error
    except RuntimeError:
        log.exception("It failed")

    line = the_line(written)
    assert "It failed" in line
    assert "DigitalOcean said no to doo_v1_[redacted]" in line


def test_tokens_in_what_is_given_beside_the_message(written: StringIO) -> None:
    log.warning("Asked", extra={"sent": f"Bearer {ACCESS}", "pair": {"refresh_token": "hunter2-hunter2"}, "tries": 2})

    line = the_line(written)
    assert 'sent="Bearer doo_v1_[redacted]"' in line
    assert "tries=2" in line


@pytest.mark.parametrize(
    "text",
    [
        "GET /accounts/digitalocean/login/callback/?code=hunter2hunter2&state=x",
        "client_id=a&client_secret=hunter2hunter2",
        '{"client_secret": "hunter2hunter2"}',
        "{'refresh_token': 'hunter2hunter2'}",
        "code_verifier=hunter2hunter2",
        "/accounts/password/reset/key/1-hunter2hunter2/",
        "https://conveyor.example.com/accounts/confirm-email/Mg:hunter2hunter2/",
    ],
)
def test_codes_client_secrets_and_the_keys_of_letters(text: str) -> None:
    assert "hunter2" not in redact(text)
    assert "[redacted]" in redact(text)


@pytest.mark.parametrize(
    "text", ["GET /droplets/?q=web&page=2", "team 5 answered 503", "code=503", "/accounts/password/reset/"]
)
def test_everything_else_is_left_as_it_is(text: str) -> None:
    assert redact(text) == text


def test_nobody_writes_a_line_of_their_own(written: StringIO) -> None:
    log.warning("Not found: %s", "/\r\n2026-01-01 ERROR all is lost\u2028\x1b[31m\x00")

    assert the_line(written).endswith(r"Not found: / 2026-01-01 ERROR all is lost \x1b[31m\x00")


def test_lines_carry_the_id_of_their_request(written: StringIO) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        log.info("within")
        return HttpResponse()

    middleware = RequestIdMiddleware(view)
    first, second = middleware(HttpRequest()), middleware(HttpRequest())

    lines = written.getvalue().splitlines()
    assert first["X-Request-Id"] != second["X-Request-Id"]
    assert f"request_id={first['X-Request-Id']} within" in lines[0]
    assert f"request_id={second['X-Request-Id']} within" in lines[1]


def test_error_reports_show_no_token_of_local_variables() -> None:
    class Holder:
        def __repr__(self) -> str:
            return f"<Holder {ACCESS}>"

    class Broken:
        def __repr__(self) -> str:
            raise ValueError

    def frame_of() -> dict[str, object]:
        import sys

        held, text, plain, broken = Holder(), f"Bearer {REFRESH}", 5, Broken()  # noqa: F841  (the frame is looked at)
        return dict(RedactingReporterFilter().get_traceback_frame_variables(None, sys._getframe()))

    shown = frame_of()

    assert ACCESS not in repr(shown["held"])
    assert shown["text"] == "Bearer dor_v1_[redacted]"
    assert shown["plain"] == 5
    assert shown["broken"] == "[no repr]"
