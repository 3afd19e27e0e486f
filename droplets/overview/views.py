"""A droplet's first page."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import Connection
from accounts.request import SignedInRequest
from droplets import pages
from droplets.overview import reading


@pages.of_droplet
@require_safe
def overview(request: SignedInRequest, connection: Connection, droplet: int) -> HttpResponse:
    """What DigitalOcean says of one droplet, and of what stands around it."""
    found = reading.read(connection, droplet)
    context = {"overview": found, **pages.head(connection, found.droplet, "overview")}
    return render(request, "droplets/detail/overview.html", context)
