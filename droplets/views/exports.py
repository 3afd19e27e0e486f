"""The downloads: all droplets that a search finds, in its order."""

from collections.abc import Iterator
from itertools import islice

from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.decorators import SignedInRequest, signed_in
from droplets.exports import ansible, csv, json, ssh
from droplets.fleet import service as fleet_service
from droplets.search.index import index_of
from droplets.search.query import Search

_LINES_AT_ONCE = 500
"""Lines that are sent together: to send each by itself would take longer than to write it."""


@never_cache
@signed_in
@require_safe
def export(request: SignedInRequest, format: str) -> HttpResponseBase:
    """The droplets as `format`: csv, json, ansible or ssh_config."""
    fleet = fleet_service.read_fleet(request.user, wait=True)
    items = index_of(request.user, fleet).find(Search.from_query(request.GET)).items
    day = f"{timezone.now():%Y-%m-%d}"
    # Nobody sees the page's warning beside a file.
    mark = "" if fleet.is_whole else "-incomplete"
    match format:
        case "csv":
            return download(csv.lines(items), "text/csv; charset=utf-8", f"droplets-{day}{mark}.csv")
        case "json":
            return download(json.lines(fleet, items), "application/json", f"droplets-{day}{mark}.json")
        case "ansible":
            return download(ansible.lines(fleet, items), "application/yaml", f"inventory-{day}{mark}.yml")
    # Without the day: ~/.ssh/config includes it by this name.
    return download(ssh.lines(fleet, items), "text/plain; charset=utf-8", f"conveyor_config{mark}")


def download(lines: Iterator[str], kind: str, name: str) -> HttpResponseBase:
    """An answer that is sent while it is written. It needs no database by then."""
    answer = StreamingHttpResponse(_pieces(lines), content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _pieces(lines: Iterator[str]) -> Iterator[str]:
    while piece := "".join(islice(lines, _LINES_AT_ONCE)):
        yield piece
