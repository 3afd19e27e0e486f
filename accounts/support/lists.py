"""The lists of the admin: pages, search and filters that are quick with 100,000 users, and what is filtered as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts import security_events
from accounts.decorators import SignedInRequest
from accounts.models import Event
from accounts.support.list_pages import CappedPaginator
from accounts.support.list_search import MOST_RELATED, ListSearch
from common.spreadsheet import table

_AT_ONCE = 1_000


class DeskList(admin.ModelAdmin):
    """A list that takes the same few queries, and nearly the same time, however many rows there are.

    `search` says what its search looks into. `rows_about` is the path to the user whom a row is about: rows about staff
    are for superusers only. `csv_columns` are the fields of the download. `sortable_by` names columns with an index.
    """

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 0
    sortable_by: ClassVar[Any] = ()
    change_list_template = "admin/support/change_list.html"

    search: ClassVar[ListSearch]
    rows_about: ClassVar[str] = ""
    csv_columns: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        if self.rows_about == "" or request.user.is_superuser:
            return rows
        return rows.exclude(**{self._of_owner("is_staff"): True}).exclude(**{self._of_owner("is_superuser"): True})

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """Django shows the search box if there are any; `get_search_results` does the search."""
        return ("pk",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        found, is_more = self.search.find(queryset, search_term)
        if is_more:
            messages.warning(
                request, f"The text is in more than {MOST_RELATED} rows. Type more of it: not all of them are here."
            )
        return found, False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.download))
        opts = self.opts
        return [path("csv/", view, name=f"{opts.app_label}_{opts.model_name}_csv"), *super().get_urls()]

    def download(self, request: SignedInRequest) -> HttpResponseBase:
        """All rows that the list's search and filters find, as CSV. The audit log names who has downloaded what."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            rows = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return redirect("..")
        security_events.record(
            Event.Kind.EXPORT, staff=request.user, note=f"list of {self.opts.verbose_name_plural}{_filters(request)}"
        )
        name = f"{self.opts.model_name}s-{timezone.now():%Y-%m-%d}.csv"
        answer = StreamingHttpResponse(_pieces(self._lines(rows)), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer

    def _lines(self, rows: QuerySet[Any]) -> Iterator[str]:
        """In the order of the list, a part at a time."""
        values = rows.select_related(None).values_list(*self.csv_columns)
        heads = [column.replace("__", "_") for column in self.csv_columns]
        return table(heads, ([_cell(value) for value in row] for row in values.iterator(chunk_size=_AT_ONCE)))

    def _of_owner(self, field: str) -> str:
        return field if self.rows_about == "pk" else f"{self.rows_about}__{field}"


def _filters(request: HttpRequest) -> str:
    """The filters of an export, for the audit log. Not the text of the search: it may be an email address."""
    chosen = [f"{name}={value}" for name, value in sorted(request.GET.items()) if name not in ("q", "o", "p")]
    if request.GET.get("q"):
        chosen.append("a search")
    return f" with {' and '.join(chosen)}"[:200].replace(", ", " ") if chosen else ""


def _cell(value: object) -> object:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return "" if value is None else value if isinstance(value, int | float) else str(value)


def _pieces(lines: Iterator[str]) -> Iterator[str]:
    """Some hundred lines at once: to send each by itself would take longer than to write it."""
    piece: list[str] = []
    for line in lines:
        piece.append(line)
        if len(piece) == _AT_ONCE:
            yield "".join(piece)
            piece.clear()
    yield "".join(piece)
