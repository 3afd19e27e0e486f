"""The downloads: what the search of the page finds, in its order, all pages of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.request import SignedInRequest, signed_in
from droplets import fleet as fleets
from droplets.exports import ansible, csv, json, ssh
from droplets.items import Item
from droplets.search import Search


@never_cache
@signed_in
@require_safe
def as_csv(request: SignedInRequest) -> HttpResponseBase:
    fleet, items = _found(request)
    return _download(fleet, csv.lines(items), "text/csv; charset=utf-8", "droplets", ".csv")


@never_cache
@signed_in
@require_safe
def as_json(request: SignedInRequest) -> HttpResponseBase:
    fleet, items = _found(request)
    return _download(fleet, json.pieces(fleet, items), "application/json", "droplets", ".json")


@never_cache
@signed_in
@require_safe
def as_ansible(request: SignedInRequest) -> HttpResponseBase:
    fleet, items = _found(request)
    name = _name(fleet, "inventory", ".yml")
    return _download(fleet, ansible.lines(items, name), "application/yaml", "inventory", ".yml")


@never_cache
@signed_in
@require_safe
def as_ssh_config(request: SignedInRequest) -> HttpResponseBase:
    fleet, items = _found(request)
    return _download(fleet, ssh.lines(items), "text/plain; charset=utf-8", "conveyor_config", "")


def _found(request: SignedInRequest) -> tuple[fleets.Fleet, Sequence[Item]]:
    fleet = fleets.read(request.user, wait=True)
    return fleet, fleet.catalog.find(Search.of(request.GET)).items


def _download(
    fleet: fleets.Fleet, content: Iterable[str] | Iterable[bytes], kind: str, name: str, ending: str
) -> HttpResponseBase:
    """Sent as it is written; the database has been asked before."""
    answer = StreamingHttpResponse(content, content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="{_name(fleet, name, ending)}"'
    return answer


def _name(fleet: fleets.Fleet, name: str, ending: str) -> str:
    """With the day, and with a word where droplets are missing: the file will be far from the page that says so."""
    if not ending:
        return name
    return f"{name}-{timezone.now():%Y-%m-%d}{'' if fleet.is_whole else '-incomplete'}{ending}"
