"""Firewalls, VPCs and reserved addresses."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox import errors, paging
from sandbox.api.authorization import Caller, requires
from sandbox.api.droplets import find_droplet, visibility
from sandbox.fleet import firewalls as all_firewalls
from sandbox.fleet import regions, sizes
from sandbox.fleet import vpcs as all_vpcs
from sandbox.fleet.fields import region_slug
from sandbox.fleet.fleets import visible_fields
from sandbox.fleet.reserved import Reserved


@requires("firewall:read")
def firewalls(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/firewalls."""
    return paging.list_response(
        request, "firewalls", caller.fleet.resources.firewalls, lambda each: _firewall(caller, each)
    )


@requires("firewall:read")
def firewalls_of_droplet(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/droplets/{droplet_id}/firewalls: those that list its id or one of its tags."""
    found = all_firewalls.applying_to(caller.fleet.resources.firewalls, find_droplet(request, caller))
    return paging.list_response(request, "firewalls", found, lambda each: _firewall(caller, each))


@requires("vpc:read")
def vpcs(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/vpcs."""
    return paging.list_response(request, "vpcs", _vpcs(caller))


@requires("vpc:read")
def vpc(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/vpcs/{vpc_id}."""
    found = next((each for each in _vpcs(caller) if each["id"] == request.match_info["vpc_id"]), None)
    if found is None:
        raise errors.not_found()
    return web.json_response({"vpc": found})


@requires("reserved_ip:read")
def reserved_ips(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/reserved_ips: IPv4 addresses."""
    return paging.list_response(
        request, "reserved_ips", caller.fleet.resources.reserved, lambda each: _reserved(caller, each)
    )


@requires("reserved_ip:read")
def reserved_ipv6(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/reserved_ipv6: IPv6 addresses, which have fewer fields."""
    return paging.list_response(
        request, "reserved_ipv6s", caller.fleet.resources.reserved_v6, lambda each: _reserved_v6(caller, each)
    )


def _vpcs(caller: Caller) -> list[dict[str, Any]]:
    if caller.team is None:
        return []
    used = {region_slug(each) for each in caller.fleet.all()} & set(regions.SLUGS)
    return all_vpcs.create(caller.fleet.resources.seed, caller.team.uuid, caller.team.number, used)


def _firewall(caller: Caller, firewall: dict[str, Any]) -> dict[str, Any]:
    return {
        **firewall,
        "droplet_ids": firewall["droplet_ids"] if caller.allows("droplet:read") else None,
        "tags": firewall["tags"] if caller.allows("tag:read") else None,
    }


def _reserved(caller: Caller, address: Reserved) -> dict[str, Any]:
    result = {
        "ip": address.ip,
        "region": caller.region(regions.describe(address.region, sizes.offered_in(address.region))),
        "droplet": _holder(caller, address),
        "locked": False,
    }
    return result | ({"project_id": address.project_id} if caller.allows("project:read") else {})


def _reserved_v6(caller: Caller, address: Reserved) -> dict[str, Any]:
    return {
        "ip": address.ip,
        "region_slug": address.region,
        "reserved_at": address.reserved_at,
        "droplet": _holder(caller, address),
    }


def _holder(caller: Caller, address: Reserved) -> dict[str, Any] | None:
    """The droplet that an address is assigned to, if the caller may see droplets."""
    if address.droplet_id is None or not caller.allows("droplet:read"):
        return None
    droplet = caller.fleet.find(address.droplet_id)
    return None if droplet is None else visible_fields(droplet, visibility(caller))
