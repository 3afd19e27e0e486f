"""Filters for the pages of actions: `{% load actions %}`."""

from django import template

from common.templatetags.formats import money
from digitalocean_client.schema import BackupPolicy, Droplet
from droplets.actions.backup_plans import backup_plan
from droplets.actions.kinds import Kind
from droplets.fleet import summary

register = template.Library()


@register.filter
def command(kind: Kind, droplet: Droplet) -> str:
    """“Reboot db-primary”."""
    return kind.command_for(summary.name_of(droplet))


@register.filter
def difference(dollars: float | None) -> str:
    """“+$12.00”, “-$6.00”, “the same”; empty where it is unknown."""
    if dollars is None:
        return ""
    if abs(dollars) < 0.005:
        return "the same"
    return f"+{money(dollars)}" if dollars > 0 else money(dollars)


@register.filter
def plan(policy: BackupPolicy) -> str:
    """“Weekly, Sundays from 04:00 UTC, each kept 28 days”."""
    days = policy.retention_period_days
    kept = f", each kept {days} day{'' if days == 1 else 's'}" if days else ""
    return backup_plan(str(policy.plan or "On"), policy.weekday, policy.hour) + kept
