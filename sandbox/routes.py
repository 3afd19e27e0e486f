"""Every path that the sandbox answers."""

from __future__ import annotations

from aiohttp import web

from sandbox.api import (
    account,
    actions,
    authorization,
    backups,
    droplets,
    images_and_sizes,
    metrics,
    networking,
    snapshots,
    tags,
    volumes,
)
from sandbox.control import actions as action_control
from sandbox.control import counters, faults, people
from sandbox.control import droplets as droplet_control
from sandbox.control import simulation as simulation_control
from sandbox.control.handlers import json_handler
from sandbox.middleware import handle_request
from sandbox.oauth import authorize, pages, token
from sandbox.simulation import SIMULATION, Simulation

DROPLET = "droplets/{droplet_id}"
READ = {
    "account": account.account,
    "actions": actions.list_all,
    "actions/{action_id}": actions.show,
    "droplets": droplets.listing,
    "droplets/backups/supported_policies": backups.supported,
    DROPLET: droplets.one,
    f"{DROPLET}/actions": actions.of_droplet,
    f"{DROPLET}/actions/{{action_id}}": actions.one_of_droplet,
    f"{DROPLET}/backups": snapshots.backups_of_droplet,
    f"{DROPLET}/backups/policy": backups.policy,
    f"{DROPLET}/firewalls": networking.firewalls_of_droplet,
    f"{DROPLET}/snapshots": snapshots.of_droplet,
    "firewalls": networking.firewalls,
    "images": images_and_sizes.images,
    "images/{image}": images_and_sizes.image,
    **{f"{metrics.PREFIX}/{name}": metrics.handler(name) for name in metrics.NAMES},
    "reserved_ips": networking.reserved_ips,
    "reserved_ipv6": networking.reserved_ipv6,
    "sizes": images_and_sizes.every_size,
    "volumes": volumes.listing,
    "volumes/{volume_id}": volumes.one,
    "vpcs": networking.vpcs,
    "vpcs/{vpc_id}": networking.vpc,
}


def application(simulation: Simulation) -> web.Application:
    """The aiohttp application of one simulation."""
    app = web.Application(middlewares=[handle_request])
    app[SIMULATION] = simulation
    route = app.router
    route.add_get(authorize.PATH, authorize.show_consent)
    route.add_post(authorize.PATH, authorize.submit_consent)
    route.add_get(pages.STYLE_PATH, pages.style)
    route.add_post("/v1/oauth/token", token.token)
    route.add_post("/v1/oauth/revoke", token.revoke)
    # DigitalOcean accepts a trailing slash, and python-digitalocean sends one.
    for end in ("", "/"):
        for path, handler in READ.items():
            route.add_get(f"/v2/{path}{end}", handler)
        route.add_post(f"/v2/{DROPLET}/actions{end}", actions.create)
        route.add_delete(f"/v2/{DROPLET}{end}", droplets.destroy)
        route.add_post(f"/v2/tags{end}", tags.create)
        route.add_post(f"/v2/tags/{{tag}}/resources{end}", tags.add)
        route.add_delete(f"/v2/tags/{{tag}}/resources{end}", tags.remove)
    route.add_route("*", "/v2/{elsewhere:.*}", authorization.unknown_path)
    _add_control(route)
    return app


def _add_control(route: web.UrlDispatcher) -> None:
    control = "/_sandbox/"
    route.add_post(f"{control}reset", json_handler(simulation_control.reset))
    route.add_post(f"{control}settings", json_handler(simulation_control.settings))
    route.add_post(f"{control}clients", json_handler(simulation_control.register))
    route.add_post(f"{control}expire", json_handler(simulation_control.expire))
    route.add_post(f"{control}revoke", json_handler(simulation_control.revoke))
    route.add_get(f"{control}faults", json_handler(faults.list_all))
    route.add_post(f"{control}faults", json_handler(faults.add))
    route.add_delete(f"{control}faults", json_handler(faults.clear))
    route.add_delete(f"{control}faults/{{fault_id}}", json_handler(faults.remove))
    route.add_post(f"{control}clock", json_handler(action_control.clock))
    route.add_get(f"{control}actions", json_handler(action_control.list_all))
    route.add_post(f"{control}actions/{{action_id}}", json_handler(action_control.finish))
    route.add_get(f"{control}counters", json_handler(counters.counters))
    route.add_post(f"{control}counters/reset", json_handler(counters.reset_counters))
    route.add_get(f"{control}ledger", json_handler(counters.ledger))
    route.add_get(f"{control}pairs", json_handler(counters.pairs))
    route.add_get(f"{control}requests", json_handler(counters.requests))
    route.add_get(f"{control}teams", json_handler(people.teams))
    route.add_post(f"{control}people", json_handler(people.add))
    route.add_post(f"{control}account", json_handler(people.account))
    route.add_post(f"{control}teams/{{team_uuid}}", json_handler(people.rename_team))
    route.add_post(f"{control}teams/{{team_uuid}}/droplets", json_handler(droplet_control.change))
