"""The admin's pages for resets of the second factor: a list of requests, and a button for each step."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts import second_factor_reset
from accounts.admin import ReadOnly
from accounts.decorators import SignedInRequest
from accounts.models import SecondFactorReset


class _OpenFilter(admin.SimpleListFilter):
    """Open requests only, unless "All" is chosen."""

    title = "state"
    parameter_name = "show"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("all", "All")]

    def choices(self, changelist: Any) -> Any:
        for value, label in ((None, "Open"), ("all", "All")):
            query = changelist.get_query_string({self.parameter_name: value} if value else {}, [self.parameter_name])
            yield {"selected": self.value() == value, "query_string": query, "display": label}

    def queryset(self, request: HttpRequest, queryset: QuerySet[SecondFactorReset]) -> QuerySet[SecondFactorReset]:
        if self.value() == "all":
            return queryset
        return queryset.filter(state__in=SecondFactorReset.OPEN, expires_at__gt=timezone.now())


@admin.register(SecondFactorReset)
class SecondFactorResetAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("user", "state", "asked_at", "taken_by", "approved_by", "effective_at", "expires_at")
    list_filter = (_OpenFilter,)
    list_select_related = ("user", "taken_by", "approved_by")
    search_fields = ("user__email",)
    fields = (
        "user",
        "state",
        "asked_at",
        "asked_from",
        "reason",
        "taken_by",
        "taken_at",
        "approved_by",
        "approved_at",
        "effective_at",
        "expires_at",
    )
    readonly_fields: ClassVar = fields

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) or _may_reset(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return super().has_module_permission(request) or _may_reset(request)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.step))
        routes = {"begin": "begin/"} | {step: f"<int:pk>/{step}/" for step in ("take", "approve", "refuse")}
        urls = [path(route, view, {"step": step}, f"second_factor_{step}") for step, route in routes.items()]
        return [*urls, *super().get_urls()]

    def step(self, request: SignedInRequest, step: str, pk: int = 0) -> HttpResponse:
        if not _may_reset(request):
            raise PermissionDenied
        staff = request.user
        # PostgreSQL refuses a text with a null character.
        email, reason = (request.POST.get(name, "").replace("\0", " ") for name in ("email", "reason"))
        try:
            match step:
                case "begin":
                    second_factor_reset.begin(staff, email, reason)
                case "take":
                    second_factor_reset.take(staff, pk, reason)
                case "approve":
                    second_factor_reset.approve(staff, pk)
                case _:
                    second_factor_reset.refuse(staff, pk)
        except second_factor_reset.NotPossible as error:
            messages.error(request, str(error))
        else:
            messages.success(request, "Done. The user was sent an email.")
        return redirect("admin:accounts_secondfactorreset_changelist")


def _may_reset(request: HttpRequest) -> bool:
    return bool(request.user.has_perm(second_factor_reset.PERMISSION))
