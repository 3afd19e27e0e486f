"""Template tags for forms. `{% load forms %}`; `_field.html` has the markup around a control."""

from typing import Any

from django import template
from django.contrib.auth import password_validation
from django.forms import BoundField

register = template.Library()


@register.simple_tag
def control(field: BoundField, hint: str = "") -> str:
    """The control without label, hint and errors; `aria-describedby` has the ids of hint and errors in `_field.html`.

    It has no placeholder: the label has the same text.
    """
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
    """The rules of the configured password validators, as a sentence; other validators than Django's add their own."""
    short: list[str] = []
    others: list[str] = []
    for validator in password_validation.get_default_password_validators():
        match validator:
            case password_validation.MinimumLengthValidator():
                short.insert(0, f"at least {validator.min_length} characters")
            case password_validation.CommonPasswordValidator():
                short.append("not a common password")
            case password_validation.NumericPasswordValidator():
                short.append("not only digits")
            case password_validation.UserAttributeSimilarityValidator():
                short.append("not similar to your email address")
            case _:
                others.append(str(validator.get_help_text()))
    sentence = ", ".join(short)
    return " ".join([f"{sentence[:1].upper()}{sentence[1:]}.", *others] if short else others)
