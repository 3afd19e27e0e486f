"""Pages for what went wrong on the way to or from DigitalOcean: what happened, and the one thing to do next."""

from __future__ import annotations

from dataclasses import dataclass

from allauth.core.exceptions import ImmediateHttpResponse
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from digitalocean_client import errors


@dataclass(frozen=True)
class ErrorPage:
    title: str
    sentence: str
    action_label: str = ""
    action_url: str = ""
    request_id: str = ""
    status: int = 409


def page(request: HttpRequest, trouble: ErrorPage) -> HttpResponse:
    """The page of a trouble; where it names no action, the next step for somebody signed in, or not."""
    signed_in = request.user.is_authenticated
    context = {
        "trouble": trouble,
        "action_label": trouble.action_label or ("Go to your connections" if signed_in else "Go to log in"),
        "action_url": trouble.action_url or reverse("socialaccount_connections" if signed_in else "account_login"),
    }
    return render(request, "socialaccount/authentication_error.html", context, status=trouble.status)


def stop(request: HttpRequest, trouble: ErrorPage) -> ImmediateHttpResponse:
    """To be raised inside allauth's flows: ends them with the page."""
    return ImmediateHttpResponse(page(request, trouble))


def for_error(error: errors.DigitalOceanError) -> ErrorPage:
    """What a failed call in the callback means to the person who is waiting for it."""
    title, sentence = _TEXTS.get(type(error), _OTHER)
    return ErrorPage(title, sentence, request_id=error.request_id, status=502)


_AGAIN = "Nothing was connected and nothing was changed. Start again from Conveyor"
_OTHER = ("DigitalOcean could not be asked", f"{_AGAIN}; if it goes on, try in a few minutes.")
_TEXTS: dict[type[errors.DigitalOceanError], tuple[str, str]] = {
    errors.InvalidGrant: (
        "This authorization is used up",
        f"DigitalOcean's code works once and only for a few minutes. {_AGAIN}.",
    ),
    errors.Misconfigured: (
        "Conveyor is not set up correctly",
        "DigitalOcean does not accept Conveyor's own credentials. Nothing was connected. Please tell whoever runs "
        "this Conveyor.",
    ),
    errors.TooSlow: ("DigitalOcean answered too slowly", f"{_AGAIN}; if it goes on, try in a few minutes."),
    errors.Unavailable: ("DigitalOcean is having trouble", f"{_AGAIN}, best in a few minutes."),
    errors.AnswerLost: ("DigitalOcean's answer was lost on the way", f"{_AGAIN}."),
    errors.RateLimited: ("DigitalOcean asks to wait", f"{_AGAIN} in a minute."),
    errors.NotAllowed: (
        "This access is not enough",
        "DigitalOcean would not say whose team this is. Your role in that team may not allow it. Nothing was "
        "connected; ask an owner of the team, or choose another.",
    ),
    errors.TokenRejected: (
        "DigitalOcean did not accept its own access",
        f"It gave access and refused it a moment later. {_AGAIN}.",
    ),
    errors.UnexpectedAnswer: (
        "DigitalOcean's answer made no sense",
        f"{_AGAIN}; if it goes on, DigitalOcean may be having trouble.",
    ),
}
