from __future__ import annotations

from datetime import UTC, datetime
from statistics import fmean
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import Connection
from droplets.calls import rate_limit
from droplets.metrics import cache as metrics_cache
from droplets.metrics.ranges import RANGES, Range
from tests.droplets.metrics.charts import KEYS, METRIC, charts
from tests.droplets.metrics.conftest import Visit
from tests.droplets.views.page import Page
from tests.support import metrics
from tests.support.droplets import every
from tests.support.metrics import STEP
from tests.support.person import Person

CALLS = 13
"""Of a page without cached charts: the droplet's own, and twelve metrics."""


def asked(person: Person) -> dict[str, int]:
    """The calls for metrics that the sandbox has seen, by the metric's name."""
    found = person.sandbox.counters().by_endpoint
    return {name.rpartition("/")[2]: count for name, count in found.items() if METRIC in name}


# Works


@pytest.mark.parametrize("over", RANGES, ids=lambda over: over.slug)
def test_it_shows_six_charts_of_every_range(visit: Visit, settings: Any, now: int, over: Range) -> None:
    settings.PAGE_DEADLINE = 60

    page = visit(f"?range={over.slug}")

    assert page.status == 200
    found = charts(page)
    assert tuple(found) == KEYS
    for key, chart in found.items():
        # A boot that the range may have in it costs a few points.
        assert min(over.most_points, over.length // STEP) - 5 <= len(chart.rows) <= over.most_points + 1, key
        assert min(chart.rows) >= now - over.length - over.bucket
        assert list(chart.rows) == sorted(chart.rows, reverse=True)
    links = [attrs for tag, attrs in page.tags if tag == "a" and attrs["href"].startswith("?range=")]
    assert [link["href"] for link in links if "aria-current" in link] == [f"?range={over.slug}"]


def test_the_last_hour_is_what_one_sees_first(visit: Visit) -> None:
    assert "CPU over the last hour" in visit().text


def test_the_cpu_is_what_the_counters_tell(alice: Person, visit: Visit, token: str, droplet: int, now: int) -> None:
    cpu = charts(visit())["cpu"]

    counters = metrics.cpu(alice.sandbox, token, droplet, now - 3_600, now)
    for at, cells in list(cpu.rows.items())[1:6]:
        spent = {mode: points[at] - points[at - STEP] for mode, points in counters.items()}
        total = sum(spent.values())
        shown = {head: float(cell) for head, cell in zip(cpu.heads, cells, strict=True)}
        assert shown["Busy, %"] == pytest.approx(100 - 100 * (spent["idle"] + spent["iowait"]) / total, abs=0.051)
        assert shown["User, %"] == pytest.approx(100 * spent["user"] / total, abs=0.051)
        assert shown["Interrupts, %"] == pytest.approx(100 * (spent["irq"] + spent["softirq"]) / total, abs=0.051)
        assert shown["I/O wait, %"] == pytest.approx(100 * spent["iowait"] / total, abs=0.051)


def test_load_memory_disk_and_traffic_are_what_digitalocean_says(
    alice: Person, visit: Visit, token: str, droplet: int, now: int
) -> None:
    def told(name: str, **more: str) -> dict[int, float]:
        return metrics.one(alice.sandbox, token, name, droplet, now - 3_600, now, **more)

    found = charts(visit())

    at = list(found["load"].rows)[5]
    for minutes, head in (("1", "1 minute"), ("5", "5 minutes"), ("15", "15 minutes")):
        assert found["load"].column(head)[at] == told(f"load_{minutes}")[at]
    total, available = told("memory_total"), told("memory_available")
    memory = found["memory"]
    assert memory.column("Used, %")[at] == pytest.approx(100 * (1 - available[at] / total[at]), abs=0.051)
    assert memory.column("Used, GB")[at] == pytest.approx((total[at] - available[at]) / 2**30, abs=0.0056)
    for interface in ("public", "private"):
        for direction, head in (("inbound", "In, Mbps"), ("outbound", "Out, Mbps")):
            points = told("bandwidth", interface=interface, direction=direction)
            assert found[interface].column(head)[at] == pytest.approx(points[at], abs=0.00056)
    for series in metrics.asked(alice.sandbox, token, "filesystem_free", droplet, now - 3_600, now):
        mount = series["metric"]["mountpoint"]
        sizes = metrics.asked(alice.sandbox, token, "filesystem_size", droplet, now - 3_600, now)
        (size,) = [metrics.points(each) for each in sizes if each["metric"]["mountpoint"] == mount]
        free = metrics.points(series)[at]
        assert found["disk"].column(f"{mount}, %")[at] == pytest.approx(100 * (1 - free / size[at]), abs=0.051)


def test_a_long_range_shows_averages_and_highest_values(
    alice: Person, visit: Visit, token: str, droplet: int, now: int
) -> None:
    page = visit("?range=24h")

    assert "averages over 10 minutes" in page.text
    load = charts(page)["load"]
    points = metrics.one(alice.sandbox, token, "load_1", droplet, now - 86_400, now)
    start = list(load.rows)[3]
    within = [value for moment, value in points.items() if start <= moment < start + 600]
    assert load.column("1 minute")[start] == pytest.approx(fmean(within), abs=0.0056)
    assert load.column("1 minute, highest")[start] == pytest.approx(max(within), abs=0.0056)
    assert f"at most {max(points.values()):.2f}" in load.text


def test_a_chart_says_in_words_what_it_shows(visit: Visit) -> None:
    found = charts(visit())

    for key, name in (("cpu", "Busy: "), ("load", "1 minute: "), ("disk", "/: "), ("public", "In: ")):
        assert name in found[key].text
    for chart in found.values():
        assert " now, " in chart.text
        assert " on average, at most " in chart.text
    assert " GB of " in found["memory"].text
    assert "means that processes are waiting" in found["load"].text


def test_all_metrics_are_read_in_parallel(alice: Person, visit: Visit) -> None:
    alice.sandbox.settings(latency_ms=1000)

    visit()

    assert alice.sandbox.counters().in_flight_max[f"GET {METRIC}/bandwidth"] == 4


def test_fresh_charts_are_not_read_again(alice: Person, visit: Visit) -> None:
    first = visit()
    before = asked(alice)

    second = visit()

    assert sum(before.values()) == CALLS - 1
    assert asked(alice) == before
    assert [chart.rows for chart in charts(first).values()] == [chart.rows for chart in charts(second).values()]
    visit("?range=6h")
    assert sum(asked(alice).values()) == 2 * (CALLS - 1)


def test_after_a_minute_charts_are_read_again(alice: Person, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    visit()
    monkeypatch.setattr(metrics_cache, "FRESH", 0)

    visit()

    assert sum(asked(alice).values()) == 2 * (CALLS - 1)


def test_every_call_counts_against_the_connections_limit(visit: Visit, acme: Connection) -> None:
    visit()

    assert rate_limit.reserve(acme.pk, rate_limit.MOST_AT_ONCE - CALLS) is None
    assert rate_limit.reserve(acme.pk, 1) is not None


def test_htmx_gets_the_part_that_changes_and_when_to_ask_again(alice: Person, acme: Connection, droplet: int) -> None:
    address = f"/droplets/{acme.pk}/{droplet}/graphs/?range=6h"

    answer = alice.client.get(address, headers={"HX-Request": "true"})

    assert answer["Renew-After"] == "120"
    assert "HX-Request" in answer["Vary"]
    assert "no-store" in answer["Cache-Control"]
    assert answer.content.decode().lstrip().startswith('<div class="graphs" id="graphs"')
    assert tuple(charts(Page(answer))) == KEYS


def test_a_token_that_meets_a_401_is_refreshed(alice: Person, visit: Visit) -> None:
    alice.sandbox.expire()

    assert tuple(charts(visit())) == KEYS
    assert alice.sandbox.counters().refresh_requests == 1


def test_the_pages_of_a_droplet_lead_to_one_another(
    alice: Person, visit: Visit, acme: Connection, droplet: int
) -> None:
    overview = f"/droplets/{acme.pk}/{droplet}/"

    assert f'href="{overview}graphs/"' in alice.client.get(overview).content.decode()
    assert f'href="{overview}"' in visit().html


# Tells why there is nothing


def test_without_the_agent_it_says_how_to_install_it(alice: Person, visit: Visit, token: str) -> None:
    without = next(
        each["id"]
        for each in every(alice.sandbox, token, "droplets")
        if "monitoring" not in each["features"] and each["status"] == "active"
    )

    page = visit(of=without)

    assert page.status == 200
    assert charts(page) == {}
    assert "No metrics agent." in page.text
    assert "DigitalOcean has no figures for CPU and traffic either" in page.text
    assert "curl -sSL https://repos.insights.digitalocean.com/install.sh | sudo bash" in page.text
    assert [attrs["data-copy"].split()[0] for _, attrs in page.with_class("copy")] == ["curl"]


def test_what_comes_without_the_agent_is_shown(alice: Person, visit: Visit, droplet: int, now: int) -> None:
    """DigitalOcean's own page has CPU and traffic of every droplet."""
    nothing = {"status": "success", "data": {"resultType": "matrix", "result": []}}
    for name in ("load_", "memory_", "filesystem_"):
        alice.sandbox.fault("json", path=f"{METRIC}/{name}", json=nothing)
    alice.sandbox.fault("patch", path="/v2/droplets/[0-9]+$", set={"/droplet/features": []})

    page = visit()

    assert tuple(charts(page)) == ("cpu", "public", "private")
    assert "No metrics agent." in page.text
    assert "DigitalOcean has no figures for CPU and traffic either" not in page.text


def test_a_silent_agent_is_not_taken_for_a_missing_one(alice: Person, visit: Visit) -> None:
    nothing = {"status": "success", "data": {"resultType": "matrix", "result": []}}
    alice.sandbox.fault("json", path=METRIC, json=nothing)

    page = visit()

    assert "The metrics agent is installed but has not reported" in page.text
    assert "install.sh" not in page.text


def test_missing_traffic_is_explained(alice: Person, visit: Visit) -> None:
    nothing = {"status": "success", "data": {"resultType": "matrix", "result": []}}
    alice.sandbox.fault("json", path=f"{METRIC}/bandwidth", json=nothing)

    page = visit()

    assert tuple(charts(page)) == ("cpu", "load", "memory", "disk")
    assert page.text.count("DigitalOcean has no figures for the last hour.") == 2


def test_a_droplet_that_is_off_shows_what_was(alice: Person, visit: Visit, token: str, droplet: int, now: int) -> None:
    assert alice.sandbox.act(droplet, token, "power_off").status_code == 201

    page = visit("?range=6h")

    assert "This droplet is off. Its figures end when it was powered off." in page.text
    assert tuple(charts(page)) == KEYS
    assert "install.sh" not in page.text


def test_a_droplet_that_was_off_all_the_time_says_so(alice: Person, visit: Visit, token: str) -> None:
    off = next(each["id"] for each in every(alice.sandbox, token, "droplets") if each["status"] == "off")

    page = visit("?range=7d", of=off)

    assert charts(page) == {}
    assert "This droplet is off. DigitalOcean has no figures for the last 7 days." in page.text
    assert "install.sh" not in page.text


def test_a_droplet_that_is_being_built_says_so(alice: Person, visit: Visit, token: str) -> None:
    alice.sandbox.droplets("Acme Web", patch=[{"index": 0, "set": {"status": "new"}}])
    new = every(alice.sandbox, token, "droplets")[0]["id"]

    page = visit(of=new)

    assert "This droplet is still being created." in page.text
    assert "install.sh" not in page.text


def test_a_gap_is_not_bridged(alice: Person, visit: Visit, now: int) -> None:
    """The table has no rows for it, and chart.js breaks the line."""
    moments = [now // STEP * STEP - back * STEP for back in (25, 24, 23, 3, 2, 1)]
    values = [[moment, "1.5"] for moment in moments]
    body = {"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": values}]}}
    alice.sandbox.fault("json", path=f"{METRIC}/load_", json=body)

    page = visit()

    assert sorted(charts(page)["load"].rows) == moments
    (section,) = [attrs for _, attrs in page.tags if attrs.get("id") == "chart-load"]
    assert section["data-step"] == str(STEP)


# Refuses


def test_it_requires_login(acme: Connection) -> None:
    answer = Client().get(f"/droplets/{acme.pk}/4711/graphs/")

    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")


def test_somebody_elses_droplet_is_not_there(bob: Person, acme: Connection, droplet: int) -> None:
    bob.sandbox.reset_counters()

    assert bob.client.get(f"/droplets/{acme.pk}/{droplet}/graphs/").status_code == 404
    assert bob.sandbox.counters().total == 0


@pytest.mark.usefixtures("acme")
def test_no_connection_is_not_there(alice: Person, droplet: int) -> None:
    assert alice.client.get(f"/droplets/{uuid4()}/{droplet}/graphs/").status_code == 404


@pytest.mark.parametrize("droplet", [2**63, "9" * 5000, "-1", "x", "4711.0"])
def test_a_number_that_is_none_is_not_there(alice: Person, acme: Connection, droplet: object) -> None:
    alice.sandbox.reset_counters()

    assert alice.client.get(f"/droplets/{acme.pk}/{droplet}/graphs/").status_code == 404
    assert alice.sandbox.counters().total == 0


def test_a_destroyed_droplet_has_its_own_page(alice: Person, visit: Visit, acme: Connection) -> None:
    visit()

    page = visit(of=77)

    assert page.status == 404
    assert "Acme Web has no droplet 77." in page.text


def test_it_takes_no_post(alice: Person, acme: Connection) -> None:
    assert alice.client.post(f"/droplets/{acme.pk}/4711/graphs/").status_code == 405


@pytest.mark.parametrize("wrong", ["2y", "1H", "1h ", "<script>", "\u202ex", "9" * 3000, "%00", "1h&range=no"])
def test_an_unknown_range_shows_the_last_hour_and_says_so(visit: Visit, wrong: str) -> None:
    page = visit(f"?range={wrong}")

    assert page.status == 200
    assert tuple(charts(page)) == KEYS
    assert "There is no range “" in page.text
    assert "These graphs show the last hour." in page.text
    assert "<script>" not in page.html
    assert "\u202e" not in page.html
    assert len([attrs for _, attrs in page.with_class("banner-warn") if "hidden" not in attrs]) == 1


def test_times_are_exact_and_of_utc(visit: Visit, now: int) -> None:
    page = visit()

    newest = max(charts(page)["load"].rows)
    at = datetime.fromtimestamp(newest, UTC)
    assert f'<time datetime="{at:%Y-%m-%dT%H:%M:%S}Z">{at.day} {at:%b, %H:%M}</time>' in page.html
    assert "Times are in UTC." in page.text
    assert now - 2 * STEP - 5 <= newest <= now + 60
