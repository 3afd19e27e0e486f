"""What all pages of one droplet share: the check of its owner, its error pages and its header."""

from functools import wraps
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache

from accounts.decorators import SignedInRequest, View, signed_in
from accounts.models import Connection
from digitalocean_client import errors
from digitalocean_client.schema import LARGEST_ID, Droplet
from droplets.actions import availability, progress
from droplets.fleet import problems
from droplets.fleet.statuses import status_of


def of_droplet(view: View) -> View:
    """Decorate a view of one droplet: it is called with the user's own connection and the droplet's id.

    Any other connection is a 404. A `DigitalOceanError` raised by the view becomes a page that says that the droplet
    does not exist or could not be read. Actions in flight are polled first, so that the page shows their latest state.
    """

    @never_cache
    @signed_in
    @wraps(view)
    def page(request: SignedInRequest, connection: UUID, droplet: int, **more: Any) -> HttpResponseBase:
        owned = get_object_or_404(Connection.objects.for_user(request.user), pk=connection)
        if droplet > LARGEST_ID:
            raise Http404
        progress.catch_up(owned, droplet)
        try:
            return view(request, owned, droplet, **more)
        except Connection.DoesNotExist:
            raise Http404 from None  # disconnected in another tab
        except errors.NotFound:
            context = {"connection": owned, "id": droplet, "progress": progress.progress_of(owned, droplet)}
            return render(request, "droplets/gone.html", context, status=404)
        except errors.DigitalOceanError as error:
            trouble = problems.for_error(owned, error)
            context = {"id": droplet, "trouble": trouble}
            return render(request, "droplets/unread.html", context, status=409 if trouble.needs_reconnect else 502)

    return page


def head(connection: Connection, droplet: Droplet, tab: str) -> dict[str, Any]:
    """The context of templates/droplets/detail/_head.html. `tab` is overview, graphs, activity, or empty for none."""
    found = progress.progress_of(connection, droplet.id)
    return {
        "connection": connection,
        "droplet": droplet,
        "status": status_of(str(droplet.status or "")),
        "tab": tab,
        "menu": availability.menu(connection, droplet, found.in_flight),
        "progress": found,
    }
