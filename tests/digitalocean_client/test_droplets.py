from __future__ import annotations

from time import monotonic
from typing import Any

import pytest
from msgspec import structs

from digitalocean_client import droplets as droplets_api
from digitalocean_client import errors
from tests.support.sandbox import Sandbox

LISTING = "/v2/droplets$"


def read(token: str, deadline: float, *, page: int = 1, gpus: bool = False) -> Any:
    return droplets_api.droplets_page(token, page=page, gpus=gpus, deadline=deadline)


def calls(sandbox: Sandbox) -> int:
    return sandbox.counters().by_endpoint.get("GET /v2/droplets", 0)


# Works


def test_it_reads_a_page(digitalocean: Sandbox, token: str, deadline: float) -> None:
    page = read(token, deadline)

    assert (len(page.items), page.total, page.unreadable) == (150, 150, 0)
    assert page.request_id
    assert all(droplet.size and droplet.size.price_monthly for droplet in page.items)


def test_pages_have_200_rows(digitalocean: Sandbox, token: str, deadline: float) -> None:
    digitalocean.droplets("Acme Web", count=201)

    first, second = read(token, deadline), read(token, deadline, page=2)

    assert (len(first.items), len(second.items)) == (200, 1)
    assert first.total == second.total == 201


def test_gpu_droplets_are_a_listing_of_their_own(digitalocean: Sandbox, token: str, deadline: float) -> None:
    page = read(token, deadline, gpus=True)

    assert page.total == digitalocean.team("Acme Web").gpus > 0
    assert {droplet.id for droplet in page.items}.isdisjoint({one.id for one in read(token, deadline).items})
    assert droplets_api.droplet(token, page.items[0].id, deadline=deadline).gpu_info


def test_it_reads_one_droplet_of_either_kind(token: str, deadline: float) -> None:
    for gpus in (False, True):
        listed = read(token, deadline, gpus=gpus).items[0]

        found = droplets_api.droplet(token, listed.id, deadline=deadline)

        assert {name: getattr(found, name) for name in listed.__struct_fields__} == structs.asdict(listed)


# Refuses


def test_it_does_not_follow_a_redirect(digitalocean: Sandbox, token: str, deadline: float) -> None:
    digitalocean.fault("redirect", path=LISTING, location=f"{digitalocean.url}/v2/account")

    with pytest.raises(errors.UnexpectedAnswer):
        read(token, deadline)

    assert "GET /v2/account" not in digitalocean.counters().by_endpoint


def test_it_asks_for_no_address_that_an_answer_names(digitalocean: Sandbox, token: str, deadline: float) -> None:
    elsewhere = {"/links": {"pages": {"next": f"{digitalocean.url}/v2/account"}}}
    digitalocean.fault("patch", path=LISTING, set=elsewhere)

    assert len(read(token, deadline).items) == 150
    assert "GET /v2/account" not in digitalocean.counters().by_endpoint


def test_it_takes_no_other_droplet_than_the_one_asked_for(digitalocean: Sandbox, token: str, deadline: float) -> None:
    droplet = read(token, deadline).items[0]
    digitalocean.fault("patch", path="/v2/droplets/", set={"/droplet/id": droplet.id + 1})

    with pytest.raises(errors.UnexpectedAnswer):
        droplets_api.droplet(token, droplet.id, deadline=deadline)


def test_it_sends_nothing_after_the_deadline(digitalocean: Sandbox, token: str) -> None:
    with pytest.raises(errors.TooSlow):
        read(token, monotonic() - 1)

    assert calls(digitalocean) == 0


# Handles


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("status", {"status": 502}),
        ("status", {"status": 503}),
        ("status", {"status": 504}),
        ("html", {"status": 502}),
        ("reset", {}),
        ("truncate", {"at": 5000}),
    ],
)
def test_it_repeats_once_what_may_pass(
    digitalocean: Sandbox, token: str, deadline: float, kind: str, more: dict[str, Any]
) -> None:
    digitalocean.fault(kind, path=LISTING, times=1, **more)

    assert len(read(token, deadline).items) == 150
    assert calls(digitalocean) == 2


def test_it_repeats_no_more_than_once(digitalocean: Sandbox, token: str, deadline: float) -> None:
    digitalocean.fault("status", path=LISTING, status=503)

    with pytest.raises(errors.Unavailable) as caught:
        read(token, deadline)

    assert caught.value.status == 503
    assert caught.value.request_id
    assert calls(digitalocean) == 2


@pytest.mark.parametrize(
    ("kind", "more", "error"),
    [
        ("status", {"status": 500}, errors.Unavailable),
        ("status", {"status": 503, "headers": {"retry-after": "30"}}, errors.Unavailable),
        ("status", {"status": 429, "headers": {"retry-after": "30"}}, errors.RateLimited),
        ("status", {"status": 429}, errors.RateLimited),
        ("status", {"status": 401}, errors.TokenRejected),
        ("status", {"status": 403}, errors.NotAllowed),
        ("status", {"status": 404}, errors.NotFound),
        ("status", {"status": 422}, errors.Refused),
        ("html", {"status": 200}, errors.UnexpectedAnswer),
        ("empty", {}, errors.UnexpectedAnswer),
        ("json", {"json": ["droplets"]}, errors.UnexpectedAnswer),
        ("json", {"json": {"droplets": {}, "meta": {"total": 3}}}, errors.UnexpectedAnswer),
    ],
)
def test_it_repeats_nothing_else(
    digitalocean: Sandbox,
    token: str,
    deadline: float,
    kind: str,
    more: dict[str, Any],
    error: type[errors.DigitalOceanError],
) -> None:
    digitalocean.fault(kind, path=LISTING, **more)

    with pytest.raises(error) as caught:
        read(token, deadline)

    assert type(caught.value) is error
    assert calls(digitalocean) == 1
    assert token not in f"{caught.value} {caught.value!r} {caught.value.sentence}"


@pytest.mark.parametrize(("kind", "more"), [("hang", {}), ("drip", {"bytes_per_second": 100})])
def test_it_does_not_repeat_what_was_too_slow(
    digitalocean: Sandbox, token: str, kind: str, more: dict[str, Any]
) -> None:
    digitalocean.fault(kind, path=LISTING, **more)

    with pytest.raises(errors.TooSlow):
        read(token, monotonic() + 0.4)

    assert calls(digitalocean) == 1


def test_a_droplet_that_is_gone_is_not_found(token: str, deadline: float) -> None:
    with pytest.raises(errors.NotFound):
        droplets_api.droplet(token, 999_999_999_999, deadline=deadline)


def test_fields_beyond_the_scope_are_simply_not_there(digitalocean: Sandbox, deadline: float) -> None:
    narrow = str(digitalocean.connect(team="Acme Web", scope="droplet:read")["access_token"])

    page = read(narrow, deadline)

    assert (len(page.items), page.unreadable) == (150, 0)
    assert not any(droplet.image or droplet.tags for droplet in page.items)
    assert not droplets_api.droplet(narrow, page.items[0].id, deadline=deadline).vpc_uuid
