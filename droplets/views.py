"""The fleet's page, and a droplet's."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.digitalocean import errors
from accounts.models import Connection
from accounts.request import SignedInRequest
from droplets import detail as details
from droplets import fleet as fleets
from droplets import troubles
from droplets.paging import page_of
from droplets.schema import LARGEST_ID
from droplets.statuses import status_of


@never_cache
@login_required
@require_safe
def fleet(request: SignedInRequest) -> HttpResponse:
    """Every droplet of every connected team."""
    found = fleets.read(request.user)
    page = page_of(found.items, request.GET.get("page", ""))
    return render(request, "droplets/fleet.html", {"fleet": found, "page": page})


@never_cache
@login_required
@require_safe
def detail(request: SignedInRequest, connection: UUID, droplet: int) -> HttpResponse:
    """What DigitalOcean says of one droplet. Somebody else's connection, or none, is a 404."""
    owned = get_object_or_404(Connection.objects.of(request.user), pk=connection)
    if droplet > LARGEST_ID:
        raise Http404
    try:
        found = details.read(owned, droplet)
    except errors.NotFound:
        return render(request, "droplets/gone.html", {"connection": owned, "id": droplet}, status=404)
    except errors.DigitalOceanError as error:
        trouble = troubles.of_error(owned, error)
        context = {"id": droplet, "trouble": trouble}
        return render(request, "droplets/unread.html", context, status=409 if trouble.needs_reconnect else 502)
    context = {"connection": owned, "droplet": found, "status": status_of(found.status or "")}
    return render(request, "droplets/detail.html", context)
