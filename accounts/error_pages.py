"""Error pages of the OAuth flow: what happened, and what to do next."""

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


def page(request: HttpRequest, error: ErrorPage) -> HttpResponse:
    """Render an error page. Without an action of its own, its button leads to the connections, or to the log-in."""
    signed_in = request.user.is_authenticated
    context = {
        "error": error,
        "action_label": error.action_label or ("Go to your connections" if signed_in else "Go to log in"),
        "action_url": error.action_url or reverse("socialaccount_connections" if signed_in else "account_login"),
    }
    return render(request, "socialaccount/authentication_error.html", context, status=error.status)


def stop(request: HttpRequest, error: ErrorPage) -> ImmediateHttpResponse:
    """The exception that ends an allauth flow with this page."""
    return ImmediateHttpResponse(page(request, error))


def for_error(error: errors.DigitalOceanError) -> ErrorPage:
    """The page for a call to DigitalOcean that failed in the callback."""
    title, sentence = _TEXTS.get(type(error), _OTHER)
    return ErrorPage(title, sentence, request_id=error.request_id, status=502)


_AGAIN = "Nothing was connected or changed. Start again from Conveyor"
_LATER = f"{_AGAIN}; if it happens again, wait a few minutes."
_OTHER = ("DigitalOcean could not be reached", _LATER)
_TEXTS: dict[type[errors.DigitalOceanError], tuple[str, str]] = {
    errors.InvalidGrant: (
        "This authorization has expired",
        f"Each authorization works once, for a few minutes. {_AGAIN}.",
    ),
    errors.Misconfigured: (
        "Conveyor is not set up correctly",
        "DigitalOcean does not accept Conveyor's client id and secret. Nothing was connected. Please tell the "
        "administrator of this Conveyor.",
    ),
    errors.TooSlow: ("DigitalOcean answered too slowly", _LATER),
    errors.Unavailable: ("DigitalOcean is having trouble", f"{_AGAIN} in a few minutes."),
    errors.AnswerLost: ("DigitalOcean's answer was lost", f"{_AGAIN}."),
    errors.RateLimited: ("DigitalOcean's rate limit is reached", f"{_AGAIN} in a minute."),
    errors.NotAllowed: (
        "Your role in this team does not allow that",
        "DigitalOcean did not allow Conveyor to read the account. Nothing was connected. Ask an owner of the team, or "
        "choose another team.",
    ),
    errors.TokenRejected: (
        "DigitalOcean rejected the new token",
        f"It issued a token and rejected it a moment later. {_AGAIN}.",
    ),
    errors.UnexpectedAnswer: ("DigitalOcean sent an unexpected answer", _LATER),
}
