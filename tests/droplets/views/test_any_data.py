"""The fleet's page and a droplet's page with data made from DigitalOcean's own description."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.core.cache import cache
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts.models import Connection
from digitalocean_client.answers import Answer
from droplets.calls import rate_limit
from tests.droplets.views.page import Page
from tests.support.any_data import ANYTHING, RAW, component, response
from tests.support.person import Person

ID = 4711
PARTS = {
    "/snapshots": response("all_droplet_snapshots"),
    "/backups": response("all_droplet_backups"),
    "/backups/policy": response("droplet_backup_policy"),
    "/firewalls": response("all_firewalls"),
    "/volumes": response("volumes"),
    "/vpcs": response("all_vpcs"),
    "/reserved_ips": response("reserved_ip_list"),
}
ALLOWED = re.compile(r'<span class="quiet">None</span>|<p class="quiet">None\. ')
"""Where a page says "None" in its own words."""


def shown(html: str) -> str:
    return ALLOWED.sub("", html)


@pytest.fixture
def acme(alice: Person) -> Connection:
    return alice.connect("Acme Web")


@settings(
    deadline=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    fields=component("schemas/droplet") | st.dictionaries(st.sampled_from(["image", "size", "networks"]), ANYTHING),
    parts=st.fixed_dictionaries(PARTS),
)
@example(fields={"features": [""]}, parts={})
def test_both_pages_show_it(
    alice: Person,
    acme: Connection,
    monkeypatch: pytest.MonkeyPatch,
    fields: dict[str, Any],
    parts: dict[str, Any],
) -> None:
    droplet = fields | {"id": ID, "name": "web-1", "status": "active"}

    def send(method: str, url: str, *, params: Any = None, **more: Any) -> Answer:
        part = next((body for path, body in parts.items() if url.endswith(path)), None)
        if part is None and url.endswith("/droplets"):
            rows = [] if (params or {}).get("type") == "gpus" else [droplet]
            part = {"droplets": rows, "meta": {"total": len(rows)}}
        if part is None:
            part = {"droplet": droplet} if url.endswith(f"/{ID}") else {"actions": [], "meta": {"total": 0}}
        return Answer(200, {}, json.dumps(part).encode(), "request-1")

    cache.clear()
    rate_limit.forget(acme.pk)
    monkeypatch.setattr("digitalocean_client.http.send", send)

    fleet = Page(alice.client.get("/droplets/"))
    overview = Page(alice.client.get(f"/droplets/{acme.pk}/{ID}/"))

    assert [page.status for page in (fleet, overview)] == [200, 200]
    assert "could not be read" not in fleet.text
    assert "web-1" in fleet.rows[0]
    assert "web-1" in overview.text
    for page in (fleet, overview):
        assert RAW.findall(shown(page.html)) == []
