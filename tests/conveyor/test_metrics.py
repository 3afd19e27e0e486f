"""Metrics: counted by every process of a host, shown by `serve_metrics`, and free of secrets and endless labels."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from django.utils import timezone
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families as parse

from accounts import revocations
from common import metrics
from common.tasks import QUEUES
from conveyor import state_metrics
from digitalocean_client import errors, http
from tests.support.person import Person
from tests.support.processes import database_url
from tests.support.programs import DEPLOYED, MANAGE, PROJECT, environment, free_port, run
from tests.support.sandbox import Sandbox
from tests.support.waiting import wait_until

COUNT = """
import django; django.setup()
from common import metrics
from common.tasks import QUEUES
for _ in range({times}):
    metrics.add(metrics.EVENTS, kind="refresh", outcome="ok")
"""


def value(name: str, **labels: str) -> float:
    """What this process has counted."""
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.fixture
def given(tmp_path: Path, transactional_db: None) -> dict[str, str]:
    return DEPLOYED | {
        "DATABASE_URL": database_url(),
        "METRICS_DIR": str(tmp_path / "metrics"),
        "METRICS_PORT": str(free_port()),
        "QUEUE_DIR": str(tmp_path / "queue"),
        "DJANGO_SETTINGS_MODULE": "conveyor.settings",
    }


@contextmanager
def exporter(given: dict[str, str]) -> Iterator[str]:
    """A running `serve_metrics`. Yields its URL."""
    url = f"http://127.0.0.1:{given['METRICS_PORT']}/metrics"
    process = subprocess.Popen(
        [*MANAGE, "serve_metrics"],
        cwd=PROJECT,
        env=environment(given),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def is_up() -> bool:
        assert process.poll() is None
        try:
            return requests.get(url, timeout=10).ok
        except requests.ConnectionError:
            return False

    try:
        wait_until(is_up, seconds=60)
        yield url
    finally:
        process.terminate()
        assert process.wait(30) == 0


def samples(text: str, name: str) -> dict[tuple[str, ...], float]:
    """The values of one series, by the values of its labels."""
    return {
        tuple(sample.labels.values()): sample.value
        for family in parse(text)
        for sample in family.samples
        if sample.name == name
    }


# Works


def test_requests_are_counted_by_view_and_status(alice: Person) -> None:
    labels = {"view": "droplets:fleet", "method": "GET", "status": "200"}
    before = value("conveyor_http_requests_total", **labels)

    alice.client.get("/droplets/?q=hunter2")

    assert value("conveyor_http_requests_total", **labels) == before + 1
    assert value("conveyor_http_request_seconds_count", view="droplets:fleet") > 0


def test_calls_are_counted_by_endpoint_and_outcome(alice: Person, digitalocean: Sandbox) -> None:
    ok = {"endpoint": "GET /v2/droplets", "outcome": "ok"}
    failed = {"endpoint": "GET /v2/droplets", "outcome": "unavailable"}
    before = value("conveyor_digitalocean_calls_total", **ok), value("conveyor_digitalocean_calls_total", **failed)
    alice.connect("Acme Web")
    alice.connect("Northwind")
    digitalocean.fault("status", path="/v2/droplets", team="Northwind", status=503)

    alice.client.get("/droplets/")

    assert value("conveyor_digitalocean_calls_total", **ok) > before[0]
    assert value("conveyor_digitalocean_calls_total", **failed) > before[1]
    assert value("conveyor_digitalocean_call_seconds_count", endpoint="GET /v2/droplets") > 0


def test_what_pages_find_in_the_cache_is_counted(alice: Person) -> None:
    before = {each: value("conveyor_fleet_cache_total", result=each) for each in ("missing", "fresh")}
    alice.connect()

    alice.client.get("/droplets/")
    alice.client.get("/droplets/")

    assert value("conveyor_fleet_cache_total", result="missing") == before["missing"] + 1
    assert value("conveyor_fleet_cache_total", result="fresh") == before["fresh"] + 1


def test_the_counts_of_all_processes_are_shown_and_survive_their_end(given: dict[str, str]) -> None:
    counter = [sys.executable, "-c", COUNT.format(times=3)]
    with exporter(given) as url:
        for _ in range(2):
            found = run(counter, given)
            assert found.returncode == 0, found.stderr

        shown = requests.get(url, timeout=10).text

    assert samples(shown, "conveyor_events_total") == {("refresh", "ok"): 6.0} or samples(
        shown, "conveyor_events_total"
    ) == {("ok", "refresh"): 6.0}
    assert len(list(Path(given["METRICS_DIR"]).glob("counter_*.db"))) <= 2, "the second goes on in the first one's file"


def test_a_forked_process_counts_for_itself(given: dict[str, str]) -> None:
    forking = COUNT.format(times=1) + (
        "import os\n"
        "child = os.fork()\n"
        "for _ in range(100): metrics.add(metrics.EVENTS, kind='refresh', outcome='ok')\n"
        "if child: os.waitpid(child, 0)\n"
    )

    assert run([sys.executable, "-c", forking], given).returncode == 0

    with exporter(given) as url:
        shown = requests.get(url, timeout=10).text
    assert sum(samples(shown, "conveyor_events_total").values()) == 201


def test_what_waits_is_shown(given: dict[str, str], digitalocean: Sandbox) -> None:
    pair = digitalocean.connect()
    row = revocations.enqueue(pair["access_token"], pair["refresh_token"], expires_at=None, reason="test")
    row.due_at = timezone.now() - timedelta(minutes=10)
    row.save()

    with exporter(given) as url:
        shown = requests.get(url, timeout=10).text

    assert samples(shown, "conveyor_revocations_waiting") == {(): 1.0}
    assert samples(shown, "conveyor_due_rows")["revocations",] == 1
    assert samples(shown, "conveyor_due_oldest_seconds")["revocations",] >= 600
    assert samples(shown, "conveyor_queue_messages") == {(queue,): 0 for queue in QUEUES}
    assert samples(shown, "conveyor_up") == {("database",): 1, ("broker",): 1, ("cache",): 1}
    assert pair["access_token"] not in shown


def test_each_metric_of_the_dashboard_and_the_alerts_exists(db: None) -> None:
    state = CollectorRegistry()
    state.register(state_metrics.StateCollector())
    known = metrics.names() | metrics.names(state)
    dashboard = json.loads((PROJECT / "deploy/grafana/conveyor.json").read_text())
    rules = yaml.safe_load((PROJECT / "deploy/prometheus/alerts.yml").read_text())

    shown = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    alerts = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]

    assert len(shown) > 20
    assert len(alerts) > 10
    for expression in (*shown, *alerts):
        named = set(re.findall(r"\bconveyor_\w+", expression))
        assert named, expression
        assert named <= known, named - known
        assert expression.count("(") == expression.count(")")
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        assert rule["annotations"]["description"]
        assert rule["labels"]["severity"] in ("critical", "warning")


def test_each_metric_is_documented(db: None) -> None:
    state = CollectorRegistry()
    state.register(state_metrics.StateCollector())
    written = (PROJECT / "docs/metrics.md").read_text()

    for name in {re.sub(r"_(bucket|sum|count)$", "", each) for each in metrics.names() | metrics.names(state)}:
        assert f"`{name}`" in written, name


# Refuses


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/v2/droplets/4711/actions/9000000001", "/v2/droplets/{id}/actions/{id}"),
        ("/v2/tags/hunter2/resources?x=1", "/v2/tags/{id}/resources"),
        ("/v2/tags/a%2Fb/resources", "/v2/tags/{id}/resources"),
        ("/v1/oauth/token", "/v1/oauth/token"),
        ("/v2/monitoring/metrics/droplet/load_5?host_id=1", "/v2/monitoring/metrics/droplet/load_5"),
        ("/hunter2", "/{id}"),
    ],
)
def test_no_id_and_no_name_is_a_label(path: str, endpoint: str) -> None:
    assert http.template(f"https://api.digitalocean.com{path}") == endpoint


def test_unknown_addresses_and_methods_make_no_labels(client: Any, db: None) -> None:
    before = value("conveyor_http_requests_total", view="other", method="other", status="405")

    client.get("/hunter2-1234/")
    client.generic("HUNTER2", "/")

    shown = [str(sample.labels) for family in metrics.REGISTRY.collect() for sample in family.samples]
    assert not any("hunter2" in labels.lower() for labels in shown)
    assert value("conveyor_http_requests_total", view="other", method="other", status="405") == before + 1


def test_it_does_not_start_without_a_directory(given: dict[str, str]) -> None:
    found = run([*MANAGE, "serve_metrics"], given | {"METRICS_DIR": ""})

    assert found.returncode == 78
    assert "METRICS_DIR is not set" in found.stderr


def test_a_port_that_is_taken_is_one_line(given: dict[str, str]) -> None:
    with exporter(given):
        found = run([*MANAGE, "serve_metrics"], given)

    assert found.returncode == 78
    assert "Change METRICS_PORT or METRICS_LISTEN" in found.stderr
    assert "Traceback" not in found.stderr


# Handles


def test_a_directory_that_cannot_be_written_breaks_nothing(given: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    found = run([sys.executable, "-c", COUNT.format(times=1)], given | {"METRICS_DIR": str(tmp_path / "file" / "x")})

    assert found.returncode == 0
    assert "Metrics cannot be written to" in found.stderr


def test_a_database_that_is_away_hides_nothing_else(given: dict[str, str]) -> None:
    with exporter(given | {"DATABASE_URL": "sqlite:////nowhere/at/all.sqlite3"}) as url:
        shown = requests.get(url, timeout=10).text

    assert samples(shown, "conveyor_up")["database",] == 0
    assert samples(shown, "conveyor_queue_messages")


def test_an_observer_that_is_told_of_a_failed_call(digitalocean: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, str, float, str]] = []
    monkeypatch.setattr(http, "observers", [lambda *call: told.append(call)])
    digitalocean.fault("status", path="/v2/account", status=503)

    with pytest.raises(errors.Unavailable):
        http.send("GET", f"{digitalocean.api_url}/account", timeout=5, token="doo_v1_hunter2")

    [(endpoint, outcome, seconds, _)] = told
    assert (endpoint, outcome) == ("GET /v2/account", "unavailable")
    assert seconds >= 0
    assert "hunter2" not in str(told)
