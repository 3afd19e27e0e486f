from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Connection
from droplets.calls import rate_limit
from droplets.metrics import cache as metrics_cache
from droplets.metrics.charts import MAX_LINES
from tests.droplets.metrics.charts import KEYS, METRIC, charts
from tests.droplets.metrics.conftest import Visit
from tests.support import metrics
from tests.support.metrics import STEP
from tests.support.person import Person

METRICS = {
    "cpu": ["cpu"],
    "load_5": ["load"],
    "memory_available": ["memory"],
    "filesystem_size": ["disk"],
    "bandwidth": ["public", "private"],
}
"""The charts that each has part in."""

TOO_SLOW = "DigitalOcean answered too slowly."


def body(*series: dict[str, Any]) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": "matrix", "result": list(series)}}


def moments(now: int, count: int) -> list[int]:
    """The latest at which there can be points, oldest first."""
    return [now // STEP * STEP - back * STEP for back in reversed(range(count))]


# One metric fails


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"status": 500}, "DigitalOcean is having trouble answering."),
        ({"status": 403}, "DigitalOcean refused this: "),
        ({"status": 429, "headers": {"retry-after": "1800"}}, "rate limit for this team is reached."),
    ],
    ids=["500", "403", "429"],
)
def test_its_chart_says_so_and_the_others_are_shown(
    alice: Person, visit: Visit, metric: str, more: dict[str, Any], sentence: str
) -> None:
    alice.sandbox.fault("status", path=f"{METRIC}/{metric}$", **more)

    page = visit()

    assert page.status == 200
    found = charts(page)
    assert tuple(found) == KEYS
    for key, chart in found.items():
        is_ill = key in METRICS[metric]
        assert (sentence in chart.text) == is_ill
        assert ("Try again: " in chart.text) == is_ill
        assert bool(chart.rows) == (not is_ill or key == "load")
    if "headers" in more:
        assert "Try again in 29 minutes." in page.text
    assert "Request id" in page.text


@pytest.mark.parametrize("kind", ["hang", "drip"])
def test_a_metric_that_never_comes_does_not_hold_the_others(alice: Person, visit: Visit, kind: str) -> None:
    alice.sandbox.fault(kind, path=f"{METRIC}/memory_total$")

    found = charts(visit())

    assert TOO_SLOW in found["memory"].text
    assert [key for key, chart in found.items() if chart.rows] == [key for key in KEYS if key != "memory"]


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("empty", {}),
        ("html", {"status": 200}),
        ("redirect", {"location": "http://127.0.0.1:9/"}),
        ("json", {"json": []}),
        ("json", {"json": {"status": "success", "data": None}}),
        ("json", {"json": {"status": "error", "data": {"resultType": "matrix", "result": []}}}),
        ("json", {"json": {"status": "success", "data": {"result": {"values": 1}}}}),
    ],
)
def test_an_unexpected_answer_is_explained(alice: Person, visit: Visit, kind: str, more: dict[str, Any]) -> None:
    alice.sandbox.fault(kind, path=f"{METRIC}/cpu$", **more)

    found = charts(visit())

    assert "sent an unexpected answer." in found["cpu"].text
    assert all(chart.rows for key, chart in found.items() if key != "cpu")


def test_the_lines_that_came_are_shown_without_those_that_did_not(alice: Person, visit: Visit) -> None:
    alice.sandbox.fault("status", path=f"{METRIC}/load_5$", status=500)

    load = charts(visit())["load"]

    assert load.heads == ["1 minute", "15 minutes"]
    assert "Part of the chart is missing." in load.text


def test_trying_again_asks_only_for_what_did_not_come(alice: Person, visit: Visit) -> None:
    alice.sandbox.fault("status", path=f"{METRIC}/memory_total$", status=500)
    visit()
    alice.sandbox.clear_faults()
    alice.sandbox.reset_counters()

    found = charts(visit())

    assert all(chart.rows for chart in found.values())
    asked = [name.rpartition("/")[2] for name in alice.sandbox.counters().by_endpoint if METRIC in name]
    assert sorted(asked) == ["memory_available", "memory_total"]


def test_what_was_read_before_is_shown_with_its_age(
    alice: Person, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = charts(visit())
    monkeypatch.setattr(metrics_cache, "FRESH", 0)
    alice.sandbox.fault("status", path=METRIC, status=500)

    page = visit()

    found = charts(page)
    assert tuple(found) == KEYS
    for key, chart in found.items():
        assert chart.rows == before[key].rows
        assert "DigitalOcean is having trouble answering. This chart was read " in chart.text


def test_without_available_memory_it_is_charted_from_free_and_cached(
    alice: Person, visit: Visit, token: str, droplet: int, now: int
) -> None:
    alice.sandbox.fault("json", path=f"{METRIC}/memory_available$", json=body())

    memory = charts(visit())["memory"]

    total, free, cached = (
        metrics.one(alice.sandbox, token, f"memory_{what}", droplet, now - 3_600, now)
        for what in ("total", "free", "cached")
    )
    at = list(memory.rows)[5]
    used = total[at] - free[at] - cached[at]
    assert memory.column("Used, %")[at] == pytest.approx(100 * used / total[at], abs=0.051)
    assert memory.column("Used, GB")[at] == pytest.approx(used / 2**30, abs=0.0056)


def test_without_any_free_memory_its_chart_says_why(alice: Person, visit: Visit) -> None:
    alice.sandbox.fault("json", path=f"{METRIC}/memory_available$", json=body())
    alice.sandbox.fault("status", path=f"{METRIC}/memory_free$", status=500)

    found = charts(visit())

    assert "Try again: " in found["memory"].text
    assert not found["memory"].rows


# All of them fail


@pytest.mark.parametrize(
    ("more", "sentence", "button"),
    [
        ({"status": 500}, "DigitalOcean is having trouble answering.", "Try again"),
        ({"status": 429, "headers": {"retry-after": "1800"}}, "rate limit for this team is reached", "Try again"),
        ({"status": 403}, "Graphs need the scope monitoring:read", "Reconnect"),
    ],
)
def test_an_error_of_all_charts_is_shown_once(
    alice: Person, visit: Visit, more: dict[str, Any], sentence: str, button: str
) -> None:
    alice.sandbox.fault("status", path=METRIC, **more)

    page = visit()

    assert page.status == 200
    assert charts(page) == {}
    assert page.text.count(sentence) == 1
    assert button in page.text
    assert "install.sh" not in page.text


def test_an_open_page_does_not_ask_before_digitalocean_wants_it(alice: Person, acme: Connection, droplet: int) -> None:
    alice.sandbox.fault("status", path=f"{METRIC}/cpu$", status=429, headers={"retry-after": "1800"})

    answer = alice.client.get(f"/droplets/{acme.pk}/{droplet}/graphs/", headers={"HX-Request": "true"})

    assert 1_700 < int(answer["Renew-After"]) <= 1_800


def test_at_the_rate_limit_nothing_is_asked(alice: Person, visit: Visit, acme: Connection) -> None:
    assert rate_limit.reserve(acme.pk, rate_limit.MOST_AT_ONCE) is None

    page = visit()

    assert page.status == 502
    assert "rate limit for this team is reached." in page.text
    assert alice.sandbox.counters().total == 0


def test_where_the_droplet_cannot_be_read_the_page_says_so(alice: Person, visit: Visit) -> None:
    alice.sandbox.fault("status", path="/v2/droplets/[0-9]+$", status=500)

    page = visit()

    assert page.status == 502
    assert "This droplet could not be read" in page.text


def test_a_revoked_connection_asks_for_its_owner(alice: Person, visit: Visit, acme: Connection) -> None:
    alice.sandbox.revoke()

    page = visit()

    assert page.status == 409
    assert f"/accounts/connections/{acme.pk}/reconnect/" in page.actions()


# ChartData that nobody expects


def test_hostile_labels_are_shown_as_text(alice: Person, visit: Visit, now: int) -> None:
    hostile = "<script>alert(1)</script>\"'>\u202egnp" + "x" * 300
    disk = [[moment, "1000000000"] for moment in moments(now, 5)]
    seconds = [[moment, str(moment)] for moment in moments(now, 5)]
    modes = [{"metric": {"mode": mode}, "values": seconds} for mode in ("idle", hostile)]
    alice.sandbox.fault(
        "json", path=f"{METRIC}/filesystem_", json=body({"metric": {"mountpoint": hostile}, "values": disk})
    )
    alice.sandbox.fault("json", path=f"{METRIC}/cpu", json=body(*modes))

    page = visit()

    assert page.status == 200
    assert [attrs.get("src") for tag, attrs in page.tags if tag == "script" and not attrs.get("src")] == []
    assert "\u202e" not in page.html
    assert charts(page)["disk"].rows
    assert charts(page)["cpu"].column("Other, %")


def test_of_thousands_of_file_systems_the_fullest_are_shown(alice: Person, visit: Visit, now: int) -> None:
    def filesystems(value: str) -> dict[str, Any]:
        points = [[moment, value] for moment in moments(now, 2)]
        return body(*({"metric": {"mountpoint": f"/{number:04}"}, "values": points} for number in range(3_000)))

    free = filesystems("800")
    free["data"]["result"][2_222]["values"] = [[moment, "1"] for moment in moments(now, 2)]
    alice.sandbox.fault("json", path=f"{METRIC}/filesystem_size", json=filesystems("1000"))
    alice.sandbox.fault("json", path=f"{METRIC}/filesystem_free", json=free)

    disk = charts(visit())["disk"]

    assert len(disk.heads) == MAX_LINES
    assert disk.heads[-1] == "/2222, %"
    assert f"{3_000 - MAX_LINES} more are not shown, because they are less full." in disk.text
    assert "/2222: 100 % now" in disk.text


def test_chart_data_out_of_bounds_break_nothing(alice: Person, visit: Visit, now: int) -> None:
    odd = ["NaN", "Infinity", "-1", "1e308", "1e15", "0", "", None, "0.0000001"]
    values = [[moment, value] for moment, value in zip(moments(now, len(odd)), odd, strict=True)]
    alice.sandbox.fault(
        "json", path=METRIC, json=body({"metric": {"mode": "idle", "mountpoint": "/"}, "values": values})
    )

    page = visit()

    assert page.status == 200
    assert len(charts(page)["load"].rows) == 3
    for word in ("nan", "inf", "None", "e+"):
        assert f">{word}" not in page.html


def test_memory_and_disks_of_no_size_are_left_out(alice: Person, visit: Visit, now: int) -> None:
    nothing = body({"metric": {"mountpoint": "/"}, "values": [[moment, "0"] for moment in moments(now, 3)]})
    for name in ("memory_total", "filesystem_size"):
        alice.sandbox.fault("json", path=f"{METRIC}/{name}", json=nothing)

    found = charts(visit())

    assert set(KEYS) - set(found) == {"memory", "disk"}
