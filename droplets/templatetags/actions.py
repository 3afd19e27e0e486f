"""How actions are put into words on a page. `{% load actions %}`."""

from __future__ import annotations

from django import template

from common.templatetags.formats import money
from digitalocean_client.schema import Droplet
from droplets.actions.kinds import Kind
from droplets.fleet import summary

register = template.Library()


@register.filter
def asked(kind: Kind, droplet: Droplet) -> str:
    """“Reboot db-primary?”."""
    return kind.ask(summary.name_of(droplet))


@register.filter
def difference(dollars: float | None) -> str:
    """“+$12.00”, “-$6.00”, “the same”; nothing where it is not known."""
    if dollars is None:
        return ""
    if abs(dollars) < 0.005:
        return "the same"
    return f"+{money(dollars)}" if dollars > 0 else money(dollars)
