"""A droplet's overview page."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.decorators import SignedInRequest, shown_to_support
from accounts.models import Connection
from droplets import overview as droplets_overview
from droplets.views import droplet_page


@shown_to_support
@droplet_page.of_droplet
@require_safe
def overview(request: SignedInRequest, connection: Connection, droplet: int) -> HttpResponse:
    """A droplet, and its backups, snapshots, volumes, network and firewalls."""
    found = droplets_overview.read_overview(connection, droplet)
    context = {"overview": found, **droplet_page.head(connection, found.droplet, "overview")}
    return render(request, "droplets/detail/overview.html", context)
