"""One request id from the edge to the worker and DigitalOcean, and the client's address behind a proxy."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.test import Client
from structlog.contextvars import get_contextvars, unbind_contextvars

from conveyor import celery, observers
from conveyor.logs import LineFormatter, redact_event
from tests.support.person import Person
from tests.support.sandbox import Sandbox


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """Other tests must not find what these bind."""
    yield
    unbind_contextvars("client", "request_id")


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """What is logged about calls to DigitalOcean."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter(debug=False))
    monkeypatch.setattr(observers.log, "handlers", [handler])
    monkeypatch.setattr(observers.log, "propagate", False)
    monkeypatch.setattr(observers.log, "level", logging.INFO)
    observers.log.manager._clear_cache()  # type: ignore[attr-defined]  # else an earlier level counts
    return stream


# Works


def test_the_id_of_a_trusted_proxy_is_taken_over(client: Client, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1

    answer = client.get("/healthz", headers={"X-Request-Id": "from-the-proxy-1"})

    assert answer["X-Request-Id"] == "from-the-proxy-1"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "client_address"),
    [
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "10.9.9.9, 203.0.113.9", "203.0.113.9"),  # the first was made up by the client
        (2, "203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (1, "2001:db8::1", "2001:db8::1"),
        (2, "203.0.113.9", "-"),
        (1, "hunter2", "-"),
        (1, "", "-"),
    ],
)
def test_the_lines_of_a_request_have_the_client_s_address(
    client: Client, settings: Any, proxies: int, forwarded: str, client_address: str
) -> None:
    settings.TRUSTED_PROXIES = proxies

    client.get("/healthz", headers={"X-Forwarded-For": forwarded})

    assert get_contextvars()["client"] == client_address


def test_a_failed_call_is_a_line_with_both_ids(
    alice: Person, digitalocean: Sandbox, settings: Any, lines: StringIO
) -> None:
    alice.connect()
    settings.TRUSTED_PROXIES = 1
    digitalocean.fault("status", path="/v2/droplets", status=503)

    alice.client.get("/droplets/", headers={"X-Request-Id": "page-1", "X-Forwarded-For": "127.0.0.1"})

    logged = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert logged
    assert {line["request_id"] for line in logged} == {"page-1"}
    assert {line["endpoint"] for line in logged} == {"GET /v2/droplets"}
    assert {line["outcome"] for line in logged} == {"unavailable"}
    assert all(line["digitalocean_request_id"] for line in logged)
    assert "doo_v1_" not in lines.getvalue()


def test_a_task_has_the_id_of_the_request_that_caused_it(client: Client, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    client.get("/healthz", headers={"X-Request-Id": "page-2"})
    headers: dict[str, Any] = {}

    celery._send_request_id(headers=headers)

    assert headers["request_id"] == "page-2"


def test_an_error_report_has_the_id(client: Client, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    client.get("/healthz", headers={"X-Request-Id": "page-3"})

    assert redact_event({"message": "broken"}, {})["tags"] == {"request_id": "page-3"}


# Refuses


def test_without_a_proxy_no_header_counts(client: Client, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 0

    answer = client.get("/healthz", headers={"X-Request-Id": "mine", "X-Forwarded-For": "203.0.113.9"})

    assert answer["X-Request-Id"] != "mine"
    assert get_contextvars().get("client") != "203.0.113.9"


@pytest.mark.parametrize("given", ["", "with space", "a" * 65, "line\nbreak", "semi;colon", "<b>", "ümlaut"])
def test_an_id_of_other_characters_is_not_taken_over(client: Client, settings: Any, given: str) -> None:
    settings.TRUSTED_PROXIES = 1

    answer = client.get("/healthz", headers={"X-Request-Id": given})

    assert answer["X-Request-Id"] != given
    assert len(answer["X-Request-Id"]) == 16
