"""The admin site: users, their connections and the state of these. It never shows a token."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar

from allauth.account.forms import ResetPasswordForm
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin import DateFieldListFilter
from django.contrib.admin.utils import display_for_value, unquote
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.forms import ModelForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from accounts import connections
from accounts.connection_state import state_of
from accounts.models import Connection, User
from accounts.support import list_filters
from accounts.support.list_search import ListSearch, Related
from accounts.support.lists import DeskList

_RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")

# allauth's admin pages show tokens, the client secret and second-factor secrets, find sessions by their keys, and give
# an email address to any account. Groups give rights.
for model in list(admin.site._registry):
    if model is Group or apps.get_app_config(model._meta.app_label).name.startswith("allauth."):
        admin.site.unregister(model)


def _is_superuser(request: HttpRequest) -> bool:
    return request.user.is_active and request.user.is_superuser


@admin.register(Group)
class SuperuserGroupAdmin(GroupAdmin):
    """Only superusers change groups: a group gives rights to its members."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    has_change_permission = has_delete_permission = has_add_permission


class ReadOnly(admin.options.BaseModelAdmin):
    """Read only: Conveyor itself changes these rows, together with the grants at DigitalOcean."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    has_change_permission = has_delete_permission = has_add_permission

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Not by token: `?token__startswith=` would reveal an encrypted token character by character."""
        allowed: bool = super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]  # None is allowed
        return allowed and not lookup.startswith("token")


def _column(label: str, value: Callable[[Connection], Any]) -> Callable[[SocialAccount], Any]:
    """A column of `_ConnectionInline`: "none" for an account without a connection."""

    @admin.display(description=label)
    def column(account: SocialAccount) -> Any:
        connection = getattr(account, "connection", None)
        return display_for_value(value(connection), "-") if connection else "none"

    return column


def link(url: str, text: object) -> str:
    return format_html('<a href="{}">{}</a>', url, text)


class _ConnectionInline(ReadOnly, admin.TabularInline):
    """A user's connections, shown through the SocialAccounts: those have the foreign key to the user."""

    model = SocialAccount
    verbose_name_plural = "connections"
    fields: ClassVar[Any] = (
        _column("team", lambda row: link(reverse("admin:accounts_connection_change", args=[row.pk]), row.team_name)),
        _column("state", lambda row: state_of(row).label),
        _column("scope", lambda row: row.scope),
        _column("token expires", lambda row: row.expires_at),
        _column("last refresh", lambda row: row.refreshed_at),
        _column("last error", lambda row: row.last_error),
    )
    readonly_fields = fields
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[SocialAccount]:
        return super().get_queryset(request).select_related("user", "connection__token")


class _EmailInline(ReadOnly, admin.TabularInline):
    model = EmailAddress
    fields: ClassVar = ["email", "verified", "primary"]
    extra = 0


@admin.register(User)
class ConveyorUserAdmin(DeskList, UserAdmin):
    """Only superusers change rights, change a superuser, or delete a user.

    Nobody sets the password or the email address of another user, because either opens the account. A user without a
    password gets a password reset email.
    """

    ordering = ("email",)
    sortable_by = ("email", "date_joined", "last_login")
    list_display = ("email", "desk", "connection_count", "is_staff", "is_active", "date_joined", "last_login")
    list_filter = (
        list_filters.PEOPLE_BY_CONNECTIONS,
        list_filters.PEOPLE_BY_EMAIL,
        list_filters.PEOPLE_BY_SECOND_FACTOR,
        "is_active",
        "is_staff",
        "is_superuser",
        ("last_login", DateFieldListFilter),
    )
    search = ListSearch(
        texts=("email",),
        related=(
            Related("pk", EmailAddress, "user_id", texts=("email",)),
            Related(
                "pk",
                Connection,
                "account__user_id",
                texts=("team_name",),
                exact=("email", "user_uuid", "team_uuid"),
            ),
        ),
    )
    search_help_text = "A part of an email address or of a team's name, or a uuid of DigitalOcean."
    rows_about = "pk"
    csv_columns = ("id", "email", "is_active", "is_staff", "date_joined", "last_login")
    fieldsets = (
        (None, {"fields": ("email", "is_active")}),
        ("Rights", {"fields": _RIGHTS}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_form = ModelForm
    add_form_template = "admin/accounts/user/add_form.html"
    add_fieldsets = ((None, {"fields": ("email",)}),)

    def get_inlines(self, request: HttpRequest, obj: User | None) -> list[type[admin.options.InlineModelAdmin]]:
        """None on the page that adds a user."""
        return [_ConnectionInline, _EmailInline] if obj else []

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        users: QuerySet[User] = super().get_queryset(request)
        found = Connection.objects.filter(account__user=OuterRef("pk")).order_by().values("account__user")
        # A subquery is evaluated for the rows of a page alone.
        return users.annotate(connections=Subquery(found.annotate(number=Count("pk")).values("number")))

    @admin.display(description="page for support")
    def desk(self, user: User) -> str:
        return link(reverse("admin:support_person", args=[user.pk]), "Open")

    @admin.display(description="connections")
    def connection_count(self, user: User) -> int:
        return getattr(user, "connections", None) or 0

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        # An account is deactivated on its page of the support desk, where its sessions end too, and its access.
        return "email", "is_active", "last_login", "date_joined", *(() if _is_superuser(request) else _RIGHTS)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Only superusers see rights."""
        fieldsets = super().get_fieldsets(request, obj)
        return [each for each in fieldsets if each[0] != "Rights" or _is_superuser(request)]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and (
            _is_superuser(request) or obj is None or not obj.is_superuser
        )

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Superusers delete their own account on the Account page, where they confirm who they are."""
        return _is_superuser(request) and obj != request.user

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)

    def get_urls(self) -> list[URLPattern]:
        """Without the page that sets a password."""
        urls = [url for url in super().get_urls() if url.name != "auth_user_password_change"]
        view = self.admin_site.admin_view(require_POST(self.send_password_reset))
        return [path("<path:pk>/password-reset/", view, name="accounts_user_password_reset"), *urls]

    def send_password_reset(self, request: HttpRequest, pk: str) -> HttpResponse:
        """Send the email that the user gets from the page "Forgot your password?"."""
        user = self.get_object(request, unquote(pk))
        if user is None:
            raise Http404
        if not self.has_change_permission(request, user):
            raise PermissionDenied
        form = ResetPasswordForm({"email": user.email})
        if user.has_own_email and form.is_valid() and user in form.users:
            form.save(request)
            self.log_change(request, user, "Password reset email sent.")
            messages.success(request, f"A password reset email was sent to {user.email}.")
        else:
            messages.error(request, "No email was sent: the account is not active or has no email address.")
        return redirect("admin:accounts_user_change", user.pk)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Without the permissions for what a user has: `delete_model` deletes it as the user's own page does."""
        shown, counts, _, protected = super().get_deleted_objects(objs, request)
        return shown, counts, {"your own account"} if request.user in objs else set(), protected

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        self.delete_queryset(request, [obj])

    def delete_queryset(self, request: HttpRequest, queryset: Iterable[User]) -> None:
        """The tokens are revoked after the commit: no transaction waits for DigitalOcean."""
        queued = [pk for user in queryset for pk in connections.delete_user(user, actor="admin")]
        transaction.on_commit(partial(connections.process_now, queued))
