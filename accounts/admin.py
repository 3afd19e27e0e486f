"""The admin site for support: users, their connections and the state of these. It never shows a token."""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from accounts.models import Connection, Event, Revocation, User

# Unregistered: the forms show tokens, the client secret and second-factor secrets, and the list of sessions can be
# searched for session keys.
for model in (SocialToken, SocialApp, SocialAccount, Authenticator, UserSession):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class ReadOnly(admin.options.BaseModelAdmin):
    """Read only: Conveyor itself changes these rows, together with the grants at DigitalOcean."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Not by token: `?token__startswith=` would reveal an encrypted token character by character."""
        allowed: bool = super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]  # None is allowed
        return allowed and not lookup.startswith("token")


class _ConnectionInline(ReadOnly, admin.TabularInline):
    """A user's connections, shown through the SocialAccounts: those have the foreign key to the user."""

    model = SocialAccount
    verbose_name_plural = "connections"
    fields: ClassVar = ["team", "state", "scope", "token_expires", "last_refresh", "last_error"]
    readonly_fields: ClassVar = ["team", "state", "scope", "token_expires", "last_refresh", "last_error"]
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[SocialAccount]:
        return super().get_queryset(request).select_related("user", "connection__token")

    @admin.display(description="team")
    def team(self, account: SocialAccount) -> str:
        connection = _connection(account)
        if not connection:
            return "none"
        url = reverse("admin:accounts_connection_change", args=[connection.pk])
        return format_html('<a href="{}">{}</a>', url, connection.team_name)

    @admin.display(description="state")
    def state(self, account: SocialAccount) -> str:
        connection = _connection(account)
        return connection.get_state_display() if connection else "-"

    @admin.display(description="scope")
    def scope(self, account: SocialAccount) -> str:
        connection = _connection(account)
        return connection.scope if connection else "-"

    @admin.display(description="token expires")
    def token_expires(self, account: SocialAccount) -> Any:
        connection = _connection(account)
        return connection.expires_at if connection else None

    @admin.display(description="last refresh")
    def last_refresh(self, account: SocialAccount) -> Any:
        connection = _connection(account)
        return connection.refreshed_at if connection else None

    @admin.display(description="last error")
    def last_error(self, account: SocialAccount) -> str:
        connection = _connection(account)
        return connection.last_error if connection else "-"


def _connection(account: SocialAccount) -> Connection | None:
    connection: Connection | None = getattr(account, "connection", None)
    return connection


class _EmailInline(ReadOnly, admin.TabularInline):
    model = EmailAddress
    fields: ClassVar = ["email", "verified", "primary"]
    extra = 0


@admin.register(User)
class ConveyorUserAdmin(UserAdmin):
    ordering = ("email",)
    list_display = ("email", "connection_count", "is_staff", "is_active", "date_joined", "last_login")
    list_filter = ("is_staff", "is_superuser", "is_active", "socialaccount__connection__state")
    search_fields = ("email", "emailaddress__email", "socialaccount__connection__team_name")
    readonly_fields = ("date_joined", "last_login")
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        ("Permissions", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "usable_password", "password1", "password2")}),)

    def get_inlines(self, request: HttpRequest, obj: User | None) -> list[type[admin.options.InlineModelAdmin]]:
        """None on the page that adds a user."""
        return [_ConnectionInline, _EmailInline] if obj else []

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        users: QuerySet[User] = super().get_queryset(request)
        return users.annotate(connections=Count("socialaccount__connection", distinct=True))

    @admin.display(description="connections", ordering="connections")
    def connection_count(self, user: User) -> int:
        count: int = getattr(user, "connections", 0)
        return count


@admin.register(Connection)
class ConnectionAdmin(ReadOnly, admin.ModelAdmin):
    list_display = (
        "team_name",
        "owner",
        "state",
        "scope",
        "token_expires",
        "refreshed_at",
        "failures",
        "last_error",
        "droplet_count",
    )
    list_filter = ("state", "sign_in", "last_error")
    search_fields = ("team_name", "email", "account__user__email", "user_uuid", "team_uuid")
    list_select_related = ("account__user", "token")
    fields = (
        "team_name",
        "owner",
        "email",
        "user_uuid",
        "team_uuid",
        "scope",
        "sign_in",
        "state",
        "token_expires",
        "connected_at",
        "refreshed_at",
        "failures",
        "retry_at",
        "last_error",
        "last_error_at",
        "droplet_count",
        "droplets_read_at",
        "events",
    )

    @admin.display(description="owner", ordering="account__user__email")
    def owner(self, connection: Connection) -> str:
        url = reverse("admin:accounts_user_change", args=[connection.user.pk])
        return format_html('<a href="{}">{}</a>', url, connection.user)

    @admin.display(description="token expires", ordering="token__expires_at")
    def token_expires(self, connection: Connection) -> Any:
        return connection.expires_at

    @admin.display(description="events")
    def events(self, connection: Connection) -> str:
        url = reverse("admin:accounts_event_changelist")
        return format_html('<a href="{}?connection_id={}">Events of this connection</a>', url, connection.pk)


@admin.register(SocialAccount)
class SocialAccountAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("uid", "user", "provider", "date_joined")
    search_fields = ("uid", "user__email")
    list_select_related = ("user",)
    fields = ("user", "provider", "uid", "last_login", "date_joined")


@admin.register(Revocation)
class RevocationAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("team_name", "status", "reason", "created_at", "due_at", "attempts", "last_error")
    list_filter = ("status", "reason", "last_error")
    search_fields = ("team_name", "email", "user_uuid", "team_uuid", "connection_id")
    fields = (
        "team_name",
        "email",
        "user_uuid",
        "team_uuid",
        "connection_id",
        "scope",
        "status",
        "reason",
        "created_at",
        "due_at",
        "attempts",
        "last_error",
    )


@admin.register(Event)
class EventAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("at", "kind", "outcome", "team_name", "actor", "user", "detail", "request_id")
    list_filter = ("kind", "outcome", "actor")
    search_fields = ("team_name", "user__email", "connection_id", "request_id")
    list_select_related = ("user",)
    date_hierarchy = "at"

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup == "connection_id" or super().lookup_allowed(lookup, value, request)
