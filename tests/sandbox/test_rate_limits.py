"""Rate limits and their headers."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from sandbox.settings import Settings
from sandbox.traffic import rate_limits
from tests.support.sandbox import Sandbox


def test_every_answer_of_the_api_has_the_headers(sandbox: Sandbox) -> None:
    token = sandbox.connect()["access_token"]

    answers = [sandbox.get("/v2/account", token), sandbox.get("/v2/nothing", token), sandbox.get("/v2/account")]

    assert [answer.headers["ratelimit-limit"] for answer in answers] == ["5000"] * 3
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["4999", "4998", "5000"]
    for answer in answers:
        assert 3_590 < int(answer.headers["ratelimit-reset"]) - time.time() <= 3_601
        assert "retry-after" not in answer.headers


def test_a_burst_is_refused_with_retry_after(sandbox: Sandbox) -> None:
    sandbox.settings(burst_limit=3)
    token, other = sandbox.connect()["access_token"], sandbox.connect()["access_token"]

    answers = [sandbox.get("/v2/account", token) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[3].json()["id"] == "too_many_requests"
    assert 55 < int(answers[3].headers["retry-after"]) <= 60
    assert answers[3].headers["ratelimit-remaining"] == "0"
    assert sandbox.get("/v2/account", other).ok


def test_the_hourly_limit_is_refused_without_retry_after(sandbox: Sandbox) -> None:
    sandbox.settings(hourly_limit=2)
    token = sandbox.connect()["access_token"]

    answers = [sandbox.get("/v2/account", token) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
    assert "retry-after" not in answers[2].headers


def test_the_documented_numbers_are_the_default_and_zero_is_none(sandbox: Sandbox) -> None:
    settings = sandbox.settings()
    assert (settings["burst_limit"], settings["hourly_limit"]) == (250, 5_000)

    sandbox.settings(burst_limit=0, hourly_limit=0)
    token = sandbox.connect()["access_token"]

    assert {sandbox.get("/v2/account", token).status_code for _ in range(260)} == {200}


def test_a_window_rolls(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([0.0, 50.0, 59.0, 61.0, 70.0, 3_601.0])
    monkeypatch.setattr(rate_limits, "time", SimpleNamespace(time=lambda: 1_000_000.0 + next(moments)))
    counted, settings = rate_limits.RateLimits(), Settings(burst_limit=2, hourly_limit=3)

    standings = [counted.count("token", settings) for _ in range(6)]

    assert [each.allowed for each in standings] == [True, True, False, True, False, True]
    assert [each.retry_after for each in standings] == [None, None, 1, None, 40, None]
    assert [each.reset for each in standings][:2] == [1_003_600, 1_003_600]
