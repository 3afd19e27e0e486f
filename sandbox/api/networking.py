"""What droplets are connected to: firewalls, VPCs, reserved addresses."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox import paging
from sandbox.api import droplets, errors
from sandbox.api.gate import Caller, needs
from sandbox.fleet import firewalls as all_firewalls
from sandbox.fleet import regions, sizes
from sandbox.fleet import vpcs as all_vpcs
from sandbox.fleet.fields import region_slug
from sandbox.fleet.listing import shown
from sandbox.fleet.reserved import Reserved


@needs("firewall:read")
def firewalls(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/firewalls."""
    return paging.answer(request, "firewalls", caller.fleet.holdings.firewalls, lambda each: _firewall(caller, each))


@needs("firewall:read")
def firewalls_of_droplet(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/droplets/{droplet_id}/firewalls: by its id and by its tags."""
    found = all_firewalls.of(caller.fleet.holdings.firewalls, droplets.of(request, caller))
    return paging.answer(request, "firewalls", found, lambda each: _firewall(caller, each))


@needs("vpc:read")
def vpcs(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/vpcs."""
    return paging.answer(request, "vpcs", _vpcs(caller))


@needs("vpc:read")
def vpc(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/vpcs/{vpc_id}."""
    found = next((each for each in _vpcs(caller) if each["id"] == request.match_info["vpc_id"]), None)
    if found is None:
        raise errors.not_found()
    return web.json_response({"vpc": found})


@needs("reserved_ip:read")
def reserved_ips(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/reserved_ips, of version 4."""
    return paging.answer(request, "reserved_ips", caller.fleet.holdings.reserved, lambda each: _reserved(caller, each))


@needs("reserved_ip:read")
def reserved_ipv6(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/reserved_ipv6, which tell less of themselves."""
    return paging.answer(
        request, "reserved_ipv6s", caller.fleet.holdings.reserved_v6, lambda each: _reserved_v6(caller, each)
    )


def _vpcs(caller: Caller) -> list[dict[str, Any]]:
    if caller.team is None:
        return []
    used = {region_slug(each) for each in caller.fleet.all()} & set(regions.SLUGS)
    return all_vpcs.make(caller.fleet.holdings.seed, caller.team.uuid, caller.team.number, used)


def _firewall(caller: Caller, firewall: dict[str, Any]) -> dict[str, Any]:
    return {
        **firewall,
        "droplet_ids": firewall["droplet_ids"] if caller.may("droplet:read") else None,
        "tags": firewall["tags"] if caller.may("tag:read") else None,
    }


def _reserved(caller: Caller, address: Reserved) -> dict[str, Any]:
    told = {
        "ip": address.ip,
        "region": caller.region(regions.describe(address.region, sizes.offered_in(address.region))),
        "droplet": _holder(caller, address),
        "locked": False,
    }
    return told | ({"project_id": address.project_id} if caller.may("project:read") else {})


def _reserved_v6(caller: Caller, address: Reserved) -> dict[str, Any]:
    return {
        "ip": address.ip,
        "region_slug": address.region,
        "reserved_at": address.reserved_at,
        "droplet": _holder(caller, address),
    }


def _holder(caller: Caller, address: Reserved) -> dict[str, Any] | None:
    """The whole droplet that an address is on, for those who may see droplets."""
    if address.droplet_id is None or not caller.may("droplet:read"):
        return None
    droplet = caller.fleet.find(address.droplet_id)
    return None if droplet is None else shown(droplet, droplets.sight(caller))
