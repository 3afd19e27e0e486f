"""One host for accounts. DigitalOcean's callback leads to BASE_URL, and a session's cookie belongs to one host.

Conveyor may answer for several hosts (`localhost` and `127.0.0.1`). What began on another host than BASE_URL's would
come back without its session.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect


def is_other_host(request: HttpRequest) -> bool:
    """Whether the request was sent to another host than BASE_URL's. Ports do not count: cookies ignore them."""
    return urlsplit(f"//{request.get_host()}").hostname != urlsplit(settings.BASE_URL).hostname


def redirect_to_base_url(path: str) -> HttpResponseRedirect:
    return HttpResponseRedirect(settings.BASE_URL + path)


def accounts_at_base_url(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Middleware: the account pages of another host redirect to the same pages at BASE_URL."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        is_page = request.method in ("GET", "HEAD") and request.path_info.startswith(("/accounts/", "/account/"))
        if is_page and is_other_host(request):
            return redirect_to_base_url(request.get_full_path())
        return get_response(request)

    return middleware
