"""One line per event, with the request's id, and no secret in it whichever way it came."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextvars import copy_context
from io import StringIO
from threading import Thread
from typing import Any
from urllib.parse import quote

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client

from conveyor.logs import LineFormatter, RedactingReporterFilter, RequestIdMiddleware, redact, redact_event
from tests.support.programs import DEPLOYED, run

ACCESS = f"doo_v1_{'0a' * 32}"
REFRESH = f"dor_v1_{'1b' * 32}"
PERSONAL = f"dop_v1_{'2c' * 32}"
ENCRYPTED = f"gAAAAAB{'k-_' * 30}=="
SECRETS = (ACCESS, REFRESH, PERSONAL, ENCRYPTED, "hunter2")

log = logging.getLogger("tried")


def logged(*, debug: bool) -> Iterator[StringIO]:
    """What the logger "tried" writes, set up as the settings do it."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter(debug=debug))
    log.addHandler(handler)
    log.propagate = False
    yield stream
    log.removeHandler(handler)


@pytest.fixture
def output() -> Iterator[StringIO]:
    yield from logged(debug=False)


@pytest.fixture
def debug_output() -> Iterator[StringIO]:
    yield from logged(debug=True)


def the_line(output: StringIO) -> dict[str, Any]:
    text = output.getvalue()
    assert text.count("\n") == 1, text
    assert not [secret for secret in SECRETS if secret in text]
    line: dict[str, Any] = json.loads(text)
    return line


IN_SENTRY = """
import logging, django, sentry_sdk
from django.conf import settings
settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
from sentry_sdk.transport import Transport
sent = []
class Kept(Transport):
    def capture_envelope(self, envelope):
        sent.append(str(envelope.get_event()))
django.setup()
sentry_sdk.get_client().transport = Kept()
from django.test import Client
answer = Client(raise_request_exception=False).get("/", headers={"host": "evil.example.com"})
logging.getLogger("tried").error('GET /?code=abcdefgh"x')
print(answer.status_code, len(sent), "code=[redacted]" in sent[0])
"""

# Works


def test_a_line_is_a_json_object(output: StringIO) -> None:
    log.warning("Asked %s", "twice", extra={"tries": 2, "pair": {"a": [1.5, None]}})

    line = the_line(output)
    assert line.pop("timestamp")
    line.pop("request_id", None)
    assert line == {
        "event": "Asked twice",
        "level": "warning",
        "logger": "tried",
        "tries": 2,
        "pair": {"a": [1.5, None]},
    }


def test_a_line_is_readable_with_debug(debug_output: StringIO) -> None:
    log.warning("Asked", extra={"tries": 2})

    text = debug_output.getvalue()
    assert "Asked" in text
    assert "tries=2" in text
    assert not text.startswith("{")


def test_lines_carry_the_id_of_their_request_in_its_threads_too(output: StringIO) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        log.info("within")
        thread = Thread(target=copy_context().run, args=(log.info, "in a thread"))
        thread.start()
        thread.join()
        return HttpResponse()

    middleware = RequestIdMiddleware(view)
    first, second = middleware(HttpRequest()), middleware(HttpRequest())
    log.info("after the response")

    ids = [json.loads(line)["request_id"] for line in output.getvalue().splitlines()]
    assert first["X-Request-Id"] != second["X-Request-Id"]
    assert ids == [first["X-Request-Id"]] * 2 + [second["X-Request-Id"]] * 3


@pytest.mark.parametrize(
    "text",
    [
        "GET /droplets/?q=web&page=2",
        "team 5 answered 503",
        "code=503",
        "status_code=5030000",
        "error_code: invalid_grant",
        "/accounts/password/reset/",
        "The bearer of this",
        "no password was given",
    ],
)
def test_redacting_leaves_everything_else_as_it_is(text: str) -> None:
    assert redact(text) == text


# Refuses


@pytest.mark.parametrize("secret", [ACCESS, REFRESH, PERSONAL, ENCRYPTED])
def test_tokens_in_messages_and_arguments(output: StringIO, secret: str) -> None:
    log.warning(f"{secret} and %s and %r", secret, {"token": secret})

    assert the_line(output)["event"].count("[redacted]") == 3


def test_tokens_in_tracebacks(output: StringIO) -> None:
    def fail(token: str) -> None:
        raise ValueError(f"DigitalOcean said no to {token}")

    try:
        try:
            fail(ACCESS)
        except ValueError as error:
            raise RuntimeError(REFRESH) from error
    except RuntimeError:
        log.exception("It failed")

    line = the_line(output)
    assert line["event"] == "It failed"
    assert "DigitalOcean said no to doo_v1_[redacted]" in line["exception"]


def test_secrets_in_what_is_given_beside_the_message(output: StringIO) -> None:
    log.warning(
        "Asked",
        extra={"sent": f"Bearer {ACCESS}", "pair": {"refresh_token": "hunter2"}, "object": ValueError(REFRESH)},
    )

    line = the_line(output)
    assert line["sent"] == "Bearer [redacted]"
    assert line["pair"] == {"refresh_token": "[redacted]"}
    assert line["object"] == "dor_v1_[redacted]"


IN_JSON = json.dumps({"client_secret": 'hunter2 with "quotes" and hunter2', "a": 1})


@pytest.mark.parametrize(
    "text",
    [
        "GET /accounts/digitalocean/login/callback/?code=hunter2hunter2&state=x",
        'GET /callback/?code=hunter2hunter2"x',
        "client_id=a&client_secret=hunter2hunter2",
        '{"client_secret": "hunter2hunter2"}',
        "{'refresh_token': 'hunter2hunter2'}",
        "code_verifier=hunter2hunter2",
        "code_verifier: hunter2hunter2",
        "password=hunter2",
        "password1=hunter2&password2=hunter2",
        "{'password': 'hunter2 and more hunter2'}",
        IN_JSON,
        json.dumps({"body": IN_JSON}),
        json.dumps({"body": json.dumps({"body": IN_JSON})}),
        quote("/callback/?code=hunter2hunter2&state=x", safe=""),
        quote('{"access_token":"hunter2hunter2"}', safe=""),
        quote('{"code": "hunter2hunter2"}', safe=""),
        "Authorization: Bearer hunter2hunter2",
        "Bearer%20hunter2hunter2",
        "Authorization: Basic hunter2hunter2==",
        "Cookie: __Host-conveyor=hunter2hunter2",
        "/accounts/password/reset/key/1-hunter2hunter2/",
        "https://conveyor.example.com/accounts/confirm-email/Mg:hunter2hunter2/",
        "/accounts/lost-phone/finish/hunter2hunter2:1abc:xyz/",
        "/activity/feed/hunter2hunter2:xyz/",
        quote("/accounts/confirm-email/Mg:hunter2hunter2/", safe=""),
    ],
)
def test_secrets_in_text(text: str) -> None:
    assert "hunter2" not in redact(text)
    assert "[redacted]" in redact(text)


def test_nobody_writes_a_line_of_their_own(output: StringIO, debug_output: StringIO) -> None:
    log.warning("Not found: %s", "/\r\n2026-01-01 ERROR all is lost\u2028\x1b[31m\x00")

    assert the_line(output)
    text = debug_output.getvalue()
    assert text.count("\n") == 1
    assert r"Not found: /\r\n2026-01-01 ERROR all is lost\u2028\x1b[31m\x00" in text


def test_error_pages_show_no_secret_of_local_variables() -> None:
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
    assert shown["text"] == "Bearer [redacted]"
    assert shown["plain"] == 5
    assert shown["broken"] == "[no repr]"


def test_an_error_report_has_no_query_string_no_cookie_and_no_unknown_header() -> None:
    event = {
        "event_id": "1",
        "request": {
            "method": "GET",
            "url": "https://conveyor.example.com/callback/?code=hunter2hunter2",
            "query_string": 'code=hunter2hunter2"x',
            "cookies": {"conveyor": "hunter2"},
            "headers": {"Host": "conveyor.example.com", "X-Else": "hunter2", "Referer": "/?code=hunter2hunter2"},
        },
        "extra": {"password": "hunter2", "body": IN_JSON, "count": 2, "path": '/?code=hunter2hunter2"x'},
        "exception": {"values": [{"type": "ValueError", "value": f"Bearer {ACCESS}"}]},
    }

    sent = redact_event(event, {})

    assert not [secret for secret in SECRETS if secret in json.dumps(sent)]
    assert sent["request"] == {
        "method": "GET",
        "url": "https://conveyor.example.com/callback/",
        "headers": {"Host": "conveyor.example.com"},
    }
    assert sent["extra"]["count"] == 2
    assert sent["exception"]["values"][0]["type"] == "ValueError"


# Handles


def test_an_error_report_that_cannot_be_redacted_is_still_sent() -> None:
    sent = redact_event({"event_id": "1", "level": "error", "request": "hunter2"}, {})

    assert sent == {
        "event_id": "1",
        "level": "error",
        "message": "An error report could not be redacted: ValueError",
    }


def test_a_log_argument_that_cannot_be_shown_does_not_lose_the_line(output: StringIO) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

    log.warning("Asked", extra={"x": Broken()})

    assert the_line(output)["x"] == "[no text]"


def test_a_host_that_is_not_ours_is_one_short_warning(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    answer = client.get("/", headers={"host": "evil.example.com"})

    assert answer.status_code == 400
    [record] = caplog.records
    assert (record.levelname, record.exc_info) == ("WARNING", None)
    assert "evil.example.com" in record.getMessage()


def test_an_error_reaches_sentry_and_a_foreign_host_does_not() -> None:
    found = run(
        (sys.executable, "-c", IN_SENTRY),
        {**DEPLOYED, "DJANGO_SETTINGS_MODULE": "conveyor.settings", "SENTRY_DSN": "https://key@sentry.example.com/1"},
    )

    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == ["400", "1", "True"]
