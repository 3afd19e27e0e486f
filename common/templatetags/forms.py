"""Form controls as Conveyor draws them. `{% load forms %}`; the markup around them is in `_field.html`."""

from __future__ import annotations

from typing import Any

from django import template
from django.contrib.auth import password_validation
from django.forms import BoundField

register = template.Library()


@register.simple_tag
def control(field: BoundField, hint: str = "") -> str:
    """The control alone. It has no placeholder, since a label says the same and stays, and it names its hint
    and its errors (`aria-describedby`) by the ids that `_field.html` gives them."""
    described = []
    if hint or field.help_text:
        described.append(f"{field.auto_id}_helptext")
    if field.errors:
        described.append(f"{field.auto_id}_error")
    attrs: dict[str, Any] = {"placeholder": False}
    if described:
        attrs["aria-describedby"] = " ".join(described)
    return field.as_widget(attrs=attrs)


@register.simple_tag
def password_rules() -> str:
    """What the configured validators ask of a password, as one sentence; each validator's own text where it is not
    one of Django's four."""
    short: list[str] = []
    own: list[str] = []
    for validator in password_validation.get_default_password_validators():
        match validator:
            case password_validation.MinimumLengthValidator():
                short.insert(0, f"at least {validator.min_length} characters")
            case password_validation.CommonPasswordValidator():
                short.append("not a common password")
            case password_validation.NumericPasswordValidator():
                short.append("not digits alone")
            case password_validation.UserAttributeSimilarityValidator():
                short.append("not close to your e-mail address")
            case _:
                own.append(str(validator.get_help_text()))
    sentence = ", ".join(short)
    return " ".join([f"{sentence[:1].upper()}{sentence[1:]}.", *own] if short else own)
