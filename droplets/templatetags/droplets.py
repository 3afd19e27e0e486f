"""How a droplet's own terms are written on a page. `{% load droplets %}`."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django import template
from django.core.paginator import Page
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from common.templatetags.formats import disk
from digitalocean_client.schema import Disk, FirewallRule, Quantity
from digitalocean_client.text import clean_text
from droplets.fleet import summary
from droplets.fleet.items import FleetItem
from droplets.search.facets import Facet
from droplets.search.query import COLUMNS, Search

register = template.Library()
register.filter("droplet_name", summary.name_of)
register.filter("image_name", summary.image_name)
register.filter("place", summary.place)

_ENDS = {"droplet_ids": "droplet", "load_balancer_uids": "load balancer", "kubernetes_ids": "Kubernetes cluster"}


@register.filter
def hourly(dollars: float | None) -> str:
    """“$0.07143”, “$0.03”: five decimals at most, since DigitalOcean's prices come with float noise behind them."""
    if dollars is None:
        return ""
    text = f"{Decimal(str(dollars)):.5f}".rstrip("0")
    whole, _, cents = text.partition(".")
    return f"${whole}.{cents:0<2}"


@register.filter
def quantity(of: Quantity | None) -> str:
    """“80 GB” for {amount: 80, unit: "gib"}; a unit that DigitalOcean does not document stands as it came."""
    if of is None or of.amount is None:
        return ""
    if (of.unit or "").lower() == "gib":
        return disk(of.amount)
    return f"{of.amount:,} {of.unit or ''}".strip()


@register.filter
def disk_name(of: Disk) -> str:
    """“160 GB local”."""
    return f"{quantity(of.size)} {of.type or ''}".strip()


@register.filter
def words(slug: str) -> str:
    """“droplet agent” for “droplet_agent”."""
    return slug.replace("_", " ")


@register.filter
def ports(rule: FirewallRule) -> str:
    """“TCP 443”, “UDP, all ports”, “ICMP”."""
    protocol = (rule.protocol or "any").upper()
    if protocol == "ICMP":
        return protocol
    return f"{protocol}, all ports" if (rule.ports or "0") in ("0", "all") else f"{protocol} {rule.ports}"


@register.filter
def ends(of: dict[str, Any] | None) -> str:
    """“anywhere”, “10.0.0.0/8, tag web, 2 droplets”: where a firewall's rule lets traffic come from or go to."""
    found = of or {}
    addresses = [clean_text(address) for address in _list(found.get("addresses")) if isinstance(address, str)]
    anywhere = [address for address in ("0.0.0.0/0", "::/0") if address in addresses]
    if len(anywhere) == 2:
        return "anywhere"
    if anywhere:  # of one version; what else is let through may be of the other
        addresses = [clean_text(f"anywhere ({anywhere[0]})"), *(each for each in addresses if each not in anywhere)]
    words = [*addresses, *(f"tag {clean_text(tag)}" for tag in _list(found.get("tags")) if isinstance(tag, str))]
    for key, name in _ENDS.items():
        if count := len(_list(found.get(key))):
            words.append(f"{count} {name}{'' if count == 1 else 's'}")
    return ", ".join(words) or "nowhere"


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


@register.simple_tag
def query_with(search: Search, **changes: Any) -> str:
    """The query string of a search with changes: `{% query_with search page=2 %}`."""
    return search.query(**changes)


@register.simple_tag
def droplet_table(page: Page[FleetItem], search: Search) -> SafeString:
    """A page of the fleet as a table, by Jinja2 (templates/jinja2/droplets/table.html)."""
    return _by_jinja("droplets/table.html", page=page, search=search, fleet_url=reverse("droplets:fleet"))


@register.simple_tag
def facet_lists(facets: Iterable[Facet]) -> SafeString:
    """The filters beside the fleet, by Jinja2 (templates/jinja2/droplets/facets.html)."""
    return _by_jinja("droplets/facets.html", facets=facets)


def _by_jinja(template: str, **context: Any) -> SafeString:
    return mark_safe(render_to_string(template, context, using="jinja2"))  # noqa: S308  # the template has escaped it


@register.filter
def addresses(items: Iterable[FleetItem]) -> str:
    """The first public address of each of these droplets, one in a line."""
    return "\n".join(item.droplet.address for item in items if item.droplet.address)


@register.simple_tag
def orders() -> list[tuple[str, str]]:
    """The orders of the list: the value of `sort`, and its label."""
    return [
        (f"{sign}{key}", f"{title}{way}") for key, title in COLUMNS for sign, way in (("", ""), ("-", ", descending"))
    ]
