"""Conveyor's own middleware: health checks, and headers of every response."""

from collections.abc import Callable
from time import monotonic

from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage
from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed
from django.utils.cache import patch_cache_control

from common import metrics
from conveyor import views

GetResponse = Callable[[HttpRequest], HttpResponseBase]

_METHODS = ("GET", "HEAD", "POST")

_HEADERS = {
    "Permissions-Policy": ", ".join(
        f"{feature}=()" for feature in ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
}


def count_requests(get_response: GetResponse) -> GetResponse:
    """Counts and times each request, by the name of its view: never by its address, which may hold anything."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        began = monotonic()
        response = get_response(request)
        view = _view_name(request)
        method = request.method if request.method in _METHODS else "other"
        metrics.observe(metrics.REQUEST_SECONDS, monotonic() - began, view=view)
        metrics.add(metrics.REQUESTS, view=view, method=str(method), status=str(response.status_code))
        return response

    return middleware


def _view_name(request: HttpRequest) -> str:
    """The name of the URL pattern; "other" where no view answered: static files, health checks, unknown addresses."""
    found = request.resolver_match
    return (found.view_name or found.route or "other") if found else "other"


def security_headers(get_response: GetResponse) -> GetResponse:
    """Adds the headers that neither Django nor django-csp sets, to static files too."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        for name, value in _HEADERS.items():
            response.setdefault(name, value)
        return response

    return middleware


def known_methods(get_response: GetResponse) -> GetResponse:
    """Refuses everything but GET, HEAD and POST: Django's and allauth's form views treat PUT like POST."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.method not in _METHODS:
            return HttpResponseNotAllowed(_METHODS)
        return get_response(request)

    return middleware


def no_store_when_logged_in(get_response: GetResponse) -> GetResponse:
    """Let no browser or proxy store a page of a logged-in user: some show a TOTP secret or recovery codes.

    A view that did not read the session shows nothing personal.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if request.session.accessed and request.user.is_authenticated:
            patch_cache_control(response, private=True, no_store=True)
        return response

    return middleware


def health_checks(get_response: GetResponse) -> GetResponse:
    """Answers health checks before Django looks at the host: probes use an address, such as 10.0.0.5, for it."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path_info == "/healthz":
            return views.healthz(request)
        if request.path_info == "/readyz" and views.is_local(request):
            return views.readyz(request)
        return get_response(request)

    return middleware


class _HostCookieStorage(CookieStorage):
    cookie_name = "__Host-conveyor-messages"


class HostMessageStorage(FallbackStorage):
    """Django's message storage with a cookie that only this host can set: `__Host-` in the name. HTTPS only."""

    storage_classes = (_HostCookieStorage, SessionStorage)
