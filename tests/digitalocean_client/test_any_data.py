"""Every reader with data made from DigitalOcean's own description: an answer or a DigitalOceanError, nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digitalocean_client import actions, droplets, errors, metrics, oauth, resources
from digitalocean_client.answers import Answer
from digitalocean_client.lists import list_page
from digitalocean_client.schema import LARGEST_ID, ListedDroplet
from tests.support.any_data import ANYTHING, IDS, TEXTS, component, response

SPAN = metrics.Span(0, 2_000_000_000)
COMMON = settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
TOKEN_ANSWERS = st.fixed_dictionaries(
    {"access_token": st.just("doo_v1_a") | ANYTHING},
    optional={
        "refresh_token": st.just("dor_v1_b") | ANYTHING,
        "expires_in": st.just(2_592_000) | ANYTHING,
        "scope": st.just("read") | ANYTHING,
        "info": st.fixed_dictionaries(
            {}, optional=dict.fromkeys(("name", "email", "uuid", "team_uuid", "team_name"), TEXTS | ANYTHING)
        ),
    },
)

READERS: dict[str, tuple[st.SearchStrategy[Any], Callable[..., Any]]] = {
    "token": (TOKEN_ANSWERS, lambda **_: oauth.refresh("dor_v1_x")),
    "account": (response("account"), lambda **_: oauth.token_owner("doo_v1_x")),
    "droplets": (response("all_droplets"), partial(droplets.droplets_page, "t", page=1, gpus=False)),
    "droplet": (response("existing_droplet"), partial(droplets.droplet, "t", 1)),
    "actions": (response("all_droplet_actions"), partial(actions.actions, "t", 1)),
    "actions since": (response("all_droplet_actions"), partial(actions.actions_since, "t", 1, datetime.now(UTC))),
    "action": (response("droplet_action"), partial(actions.action, "t", 1, 2)),
    "started action": (response("droplet_action"), partial(actions.start, "t", 1, "reboot", {})),
    "sizes": (response("all_sizes"), partial(actions.sizes, "t", 1)),
    "images": (response("all_images"), partial(actions.own_images, "t", 1)),
    "snapshots": (response("all_droplet_snapshots"), partial(resources.snapshots, "t", 1)),
    "backups": (response("all_droplet_backups"), partial(resources.backups, "t", 1)),
    "policy": (response("droplet_backup_policy"), partial(resources.backup_policy, "t", 1)),
    "firewalls": (response("all_firewalls"), partial(resources.firewalls, "t", 1)),
    "volumes": (response("volumes"), partial(resources.volumes, "t")),
    "vpcs": (response("all_vpcs"), partial(resources.vpcs, "t")),
    "reserved IPs": (response("reserved_ip_list"), partial(resources.reserved_ips, "t")),
    "metrics": (response("metric_response"), partial(metrics.metric, "t", 1, SPAN, "cpu")),
}


def answer(body: Any) -> Answer:
    return Answer(200, {}, json.dumps(body).encode(), "request-1")


def read(monkeypatch: pytest.MonkeyPatch, name: str, body: Any) -> None:
    """Any other exception than a DigitalOceanError fails the test."""
    monkeypatch.setattr("digitalocean_client.http.send", lambda *args, **more: answer(body))
    with suppress(errors.DigitalOceanError):
        READERS[name][1](deadline=monotonic() + 10)


@pytest.mark.parametrize("name", READERS)
@COMMON
@given(data=st.data())
def test_a_reader_answers_or_raises_a_digitalocean_error(
    monkeypatch: pytest.MonkeyPatch, name: str, data: st.DataObject
) -> None:
    read(monkeypatch, name, data.draw(READERS[name][0]))


@pytest.mark.parametrize("name", READERS)
@COMMON
@given(body=ANYTHING)
def test_a_reader_of_any_json_raises_nothing_else(monkeypatch: pytest.MonkeyPatch, name: str, body: Any) -> None:
    read(monkeypatch, name, body)


@COMMON
@given(rows=st.lists(st.tuples(IDS, component("schemas/droplet") | st.dictionaries(TEXTS, ANYTHING)), max_size=3))
def test_no_droplet_with_an_id_is_lost(rows: list[tuple[int, dict[str, Any]]]) -> None:
    given_rows = [fields | {"id": id_} for id_, fields in rows]

    page = list_page(answer({"droplets": given_rows, "meta": {"total": len(rows)}}), "droplets", ListedDroplet)

    assert [droplet.id for droplet in page.items] == [id_ for id_, _ in rows]
    assert page.unreadable == 0


@COMMON
@given(field=st.sampled_from(ListedDroplet.__struct_fields__).filter(lambda name: name != "id"), value=ANYTHING)
def test_a_field_of_any_kind_costs_that_field_alone(field: str, value: Any) -> None:
    document = {"droplets": [{"id": LARGEST_ID, "name": "a", "size_slug": "s", "vcpus": 2, field: value}]}

    [droplet] = list_page(answer(document), "droplets", ListedDroplet).items

    known = {"id": LARGEST_ID, "name": "a", "size_slug": "s", "vcpus": 2}
    known.pop(field, None)
    assert {name: getattr(droplet, name) for name in known} == known
