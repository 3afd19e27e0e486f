"""A droplet's graphs."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from accounts.decorators import SignedInRequest, shown_to_support
from accounts.models import Connection
from digitalocean_client.text import clean_text
from droplets.fleet import problems
from droplets.metrics import service as metrics_service
from droplets.metrics.ranges import DEFAULT, RANGES, Range, range_of
from droplets.views import droplet_page


@shown_to_support
@droplet_page.of_droplet
@require_safe
def graphs(request: SignedInRequest, connection: Connection, droplet: int) -> HttpResponse:
    """A droplet's graphs over the time given by `range`. For htmx, only the part of the page that reloads."""
    slug = request.GET.get("range", DEFAULT.slug)
    over = range_of(slug) or DEFAULT
    found = metrics_service.read_metrics(connection, droplet, over)
    context = {
        "graphs": found,
        "trouble": problems.for_error(connection, found.error) if found.error else None,
        "range": over,
        "ranges": RANGES,
        "unknown": "" if range_of(slug) else clean_text(slug[:40]) or "?",
        **droplet_page.head(connection, found.droplet, "graphs"),
    }
    answer = render(request, f"droplets/detail/{'_graphs' if request.htmx else 'graphs'}.html", context)
    answer["Renew-After"] = f"{_renew_after(found, over):.0f}"
    patch_vary_headers(answer, ["HX-Request"])
    return answer


def _renew_after(found: metrics_service.Graphs, over: Range) -> float:
    """Seconds until the page may reload: not before the moment that DigitalOcean asks to wait for."""
    moments = [chart.error.retry_at for chart in found.charts if chart.error and chart.error.retry_at]
    waits = [(moment - timezone.now()).total_seconds() for moment in moments]
    return max(over.renew, *waits, 0)
