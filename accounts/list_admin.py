"""The admin's lists of connections, log-ins, revocations and events. None of them can be changed there."""

from allauth.socialaccount.models import SocialAccount
from django.contrib import admin
from django.contrib.admin import DateFieldListFilter
from django.contrib.admin.utils import display_for_value
from django.http import HttpRequest
from django.urls import reverse

from accounts.admin import ReadOnly, link
from accounts.connection_state import state_of
from accounts.models import Connection, Event, Revocation, User
from accounts.support import list_filters
from accounts.support.list_search import ListSearch, Related
from accounts.support.lists import DeskList

_READING = ("reading_outcome", "reading_since", "reading_at", "reading_retry_at", "reading_request_id")


@admin.register(Connection)
class ConnectionAdmin(ReadOnly, DeskList):
    list_display = (
        "team_name",
        "owner",
        "condition",
        "reading_since",
        "scope",
        "token_expires",
        "refreshed_at",
        "failures",
        "last_error",
        "droplet_count",
    )
    list_filter = (
        list_filters.CONNECTIONS_BY_CONDITION,
        list_filters.CONNECTIONS_BY_OWNER,
        "sign_in",
        ("connected_at", DateFieldListFilter),
    )
    sortable_by = ("team_name",)
    search = ListSearch(
        texts=("team_name", "email"),
        exact=("user_uuid", "team_uuid"),
        uuids=("pk",),
        related=(Related("account", SocialAccount, "pk", texts=("user__email",)),),
    )
    search_help_text = "A part of a team's name or of an email address, or the id of a connection, team or user."
    rows_about = "account__user"
    csv_columns = (
        "id",
        "team_name",
        "team_uuid",
        "email",
        "account__user__email",
        "state",
        "scope",
        "token__expires_at",
        "connected_at",
        "refreshed_at",
        "failures",
        "last_error",
        "last_error_at",
        "droplet_count",
        "droplets_read_at",
    )
    list_select_related = ("account__user", "token")
    fieldsets = (
        (None, {"fields": ("team_name", "owner", "email", "user_uuid", "team_uuid", "account_status")}),
        ("Access", {"fields": ("scope", "sign_in", "condition", "token_expires", "connected_at", "refreshed_at")}),
        (
            "Latest reading",
            {"fields": ("reading_outcome", "reading_since", "reading_at", "reading_retry_at", "reading_request_id")},
        ),
        ("Failed refreshes", {"fields": ("failures", "retry_at", "last_error", "last_error_at")}),
        ("More", {"fields": ("droplet_count", "droplets_read_at", "events")}),
    )

    @admin.display(description="owner")
    def owner(self, connection: Connection) -> str:
        return link(reverse("admin:support_person", args=[connection.user.pk]), connection.user)

    @admin.display(description="state")
    def condition(self, connection: Connection) -> str:
        """As its owner sees it."""
        return state_of(connection).label

    @admin.display(description="token expires")
    def token_expires(self, connection: Connection) -> str:
        return display_for_value(connection.expires_at, "-")

    @admin.display(description="events")
    def events(self, connection: Connection) -> str:
        url = reverse("admin:accounts_event_changelist")
        return link(f"{url}?connection_id={connection.pk}", "Events of this connection")


@admin.register(SocialAccount)
class SocialAccountAdmin(ReadOnly, DeskList):
    list_display = ("uid", "user", "provider", "date_joined")
    search = ListSearch(texts=("uid",), related=(Related("user", User, "pk", texts=("email",)),))
    search_help_text = "A part of an email address or of a uid."
    rows_about = "user"
    csv_columns = ("uid", "user__email", "provider", "date_joined", "last_login")
    list_select_related = ("user",)
    fields = ("user", "provider", "uid", "last_login", "date_joined")


@admin.register(Revocation)
class RevocationAdmin(ReadOnly, DeskList):
    list_display = ("team_name", "status", "reason", "created_at", "due_at", "attempts", "last_error")
    list_filter = ("status", list_filters.REVOCATIONS_BY_AGE, list_filters.REVOCATIONS_BY_TRIES)
    sortable_by = ("due_at", "created_at")
    search = ListSearch(
        texts=("team_name", "email"), exact=("user_uuid", "team_uuid", "request_id"), uuids=("pk", "connection_id")
    )
    search_help_text = "A part of a team's name or of an email address, or any id."
    csv_columns = (
        "team_name",
        "team_uuid",
        "email",
        "connection_id",
        "status",
        "reason",
        "created_at",
        "due_at",
        "attempts",
        "last_error",
    )
    fieldsets = (
        (None, {"fields": ("team_name", "email", "user_uuid", "team_uuid", "connection_id", "scope")}),
        ("Revocation", {"fields": ("status", "reason", "created_at", "due_at", "attempts", "last_error")}),
    )


@admin.register(Event)
class EventAdmin(ReadOnly, DeskList):
    list_display = (
        "at",
        "kind",
        "outcome",
        "team_name",
        "actor",
        "user",
        "staff",
        "detail",
        "request_id",
        "page_request_id",
    )
    list_filter = (
        "kind",
        list_filters.EVENTS_BY_OUTCOME,
        list_filters.EVENTS_BY_ACTOR,
        ("at", DateFieldListFilter),
    )
    list_select_related = ("user", "staff")
    sortable_by = ("at",)
    search = ListSearch(
        texts=("team_name",),
        exact=("request_id", "page_request_id"),
        uuids=("connection_id",),
        related=(
            Related("user", User, "pk", texts=("email",)),
            Related("staff", User, "pk", texts=("email",)),
        ),
    )
    search_help_text = "A part of a team's name or of an email address, the id of a connection or of a request."
    rows_about = "user"
    csv_columns = (
        "id",
        "at",
        "kind",
        "outcome",
        "actor",
        "user__email",
        "staff__email",
        "connection_id",
        "team_name",
        "detail",
        "request_id",
        "page_request_id",
    )

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup == "connection_id" or super().lookup_allowed(lookup, value, request)
