"""How a droplet's own terms are written on a page. `{% load droplets %}`."""

from __future__ import annotations

from decimal import Decimal

from django import template

from accounts.templatetags.conveyor import disk
from droplets import rows
from droplets.schema import Disk, Droplet, Image, Quantity, Region

register = template.Library()


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
def droplet_name(droplet: Droplet) -> str:
    return rows.name_of(droplet)


@register.filter
def image_name(image: Image | None) -> str:
    return rows.image_name(image)


@register.filter
def place(region: Region) -> str:
    return rows.place(region)
