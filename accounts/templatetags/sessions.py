"""Template tag about the sessions of the logged-in user. `{% load sessions %}`."""

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django import template

register = template.Library()


@register.inclusion_tag("usersessions/_end_others.html", takes_context=True)
def end_sessions_without_second_factor(context: dict[str, Any]) -> dict[str, Any]:
    """Offer to end the other sessions, if one of them began before the newest second factor was added."""
    factors = Authenticator.objects.filter(user=context["user"]).exclude(type=Authenticator.Type.RECOVERY_CODES)
    newest = factors.order_by("created_at").last()
    others = [one for one in UserSession.objects.purge_and_list(context["user"]) if not one.is_current()]
    is_due = newest and any(one.created_at < newest.created_at for one in others)
    return {"count": len(others) if is_due else 0, "csrf_token": context.get("csrf_token")}
