"""Every path that the sandbox answers, in one table."""

from __future__ import annotations

from aiohttp import web

from sandbox.api import (
    account,
    actions,
    backups,
    choices,
    droplets,
    gate,
    metrics,
    networking,
    snapshots,
    volumes,
)
from sandbox.control import actions as action_control
from sandbox.control import counters, faults, people, steering
from sandbox.control import droplets as droplet_control
from sandbox.control.bodies import call
from sandbox.envelope import envelope
from sandbox.oauth import authorize, pages, token
from sandbox.world import WORLD, World

DROPLET = "droplets/{droplet_id}"
READ = {
    "account": account.account,
    "actions": actions.listing,
    "actions/{action_id}": actions.one,
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
    "images": choices.images,
    "images/{image}": choices.image,
    **{f"{metrics.PREFIX}/{name}": metrics.handler(name) for name in metrics.NAMES},
    "reserved_ips": networking.reserved_ips,
    "reserved_ipv6": networking.reserved_ipv6,
    "sizes": choices.every_size,
    "volumes": volumes.listing,
    "volumes/{volume_id}": volumes.one,
    "vpcs": networking.vpcs,
    "vpcs/{vpc_id}": networking.vpc,
}


def application(world: World) -> web.Application:
    """The web application of one world."""
    app = web.Application(middlewares=[envelope])
    app[WORLD] = world
    route = app.router
    route.add_get(authorize.PATH, authorize.ask)
    route.add_post(authorize.PATH, authorize.decide)
    route.add_get(pages.STYLE_PATH, pages.style)
    route.add_post("/v1/oauth/token", token.token)
    route.add_post("/v1/oauth/revoke", token.revoke)
    # DigitalOcean takes a trailing slash, and python-digitalocean sends one.
    for end in ("", "/"):
        for path, handler in READ.items():
            route.add_get(f"/v2/{path}{end}", handler)
        route.add_post(f"/v2/{DROPLET}/actions{end}", actions.order)
        route.add_delete(f"/v2/{DROPLET}{end}", droplets.destroy)
    route.add_route("*", "/v2/{elsewhere:.*}", gate.nothing_here)
    _add_control(route)
    return app


def _add_control(route: web.UrlDispatcher) -> None:
    control = "/_sandbox/"
    route.add_post(f"{control}reset", call(steering.reset))
    route.add_post(f"{control}settings", call(steering.settings))
    route.add_post(f"{control}clients", call(steering.register))
    route.add_post(f"{control}expire", call(steering.expire))
    route.add_post(f"{control}revoke", call(steering.revoke))
    route.add_get(f"{control}faults", call(faults.listed))
    route.add_post(f"{control}faults", call(faults.arrange))
    route.add_delete(f"{control}faults", call(faults.clear))
    route.add_delete(f"{control}faults/{{fault_id}}", call(faults.drop))
    route.add_post(f"{control}clock", call(action_control.clock))
    route.add_get(f"{control}actions", call(action_control.listed))
    route.add_post(f"{control}actions/{{action_id}}", call(action_control.end))
    route.add_get(f"{control}counters", call(counters.counters))
    route.add_post(f"{control}counters/reset", call(counters.reset_counters))
    route.add_get(f"{control}ledger", call(counters.ledger))
    route.add_get(f"{control}requests", call(counters.requests))
    route.add_get(f"{control}teams", call(people.teams))
    route.add_post(f"{control}people", call(people.add))
    route.add_post(f"{control}account", call(people.account))
    route.add_post(f"{control}teams/{{team_uuid}}/droplets", call(droplet_control.change))
