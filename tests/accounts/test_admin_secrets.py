"""No page of the admin shows or reveals a secret."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.sessions.models import Session
from django.db.models import Model

from accounts.models import Connection, Revocation, User
from tests.support.admin import every_page, page
from tests.support.person import Person
from tests.support.stored import secrets_in


class TestShowsNoSecret:
    def test_no_token_is_on_any_page(self, staff: Person, customers: Person) -> None:
        encrypted = [text for row in SocialToken.objects.all() for text in (row.token, row.token_secret)]
        encrypted += [text for row in Revocation.objects.all() for text in (row.token, row.token_secret)]
        second_factors = [str(row.data["secret"]) for row in Authenticator.objects.all()]
        passwords = [user.password.split("$")[-1] for user in User.objects.all()]
        sessions = [row.session_key for row in Session.objects.all()]
        assert len(encrypted) == 6
        assert second_factors

        for address, source in every_page(staff):
            assert not secrets_in([source]), address
            for secret in (*encrypted, *second_factors, *passwords, *sessions):
                assert secret not in source, address

    @pytest.mark.parametrize("model", [SocialToken, SocialApp, Authenticator])
    def test_models_with_secrets_have_no_page(self, staff: Person, model: type[Model]) -> None:
        assert not admin.site.is_registered(model)
        address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        assert staff.client.get(address).status_code == 404

    @pytest.mark.parametrize(
        "lookup",
        [
            "token__token__startswith",
            "token__token_secret__startswith",
            "account__socialtoken__token__startswith",
            "account__user__password__startswith",
        ],
    )
    def test_tokens_cannot_be_guessed_by_filters(self, staff: Person, customers: Person, lookup: str) -> None:
        """`?token__token__startswith=` on a list would reveal a token letter by letter."""
        answer = staff.client.get(page(Connection), {lookup: "g"})

        assert answer.status_code in (302, 400)

    @pytest.mark.parametrize("lookup", ["token__startswith", "token_secret__startswith"])
    def test_tokens_of_revocations_cannot_be_guessed(self, staff: Person, customers: Person, lookup: str) -> None:
        assert staff.client.get(page(Revocation), {lookup: "g"}).status_code in (302, 400)

    def test_sessions_cannot_be_guessed_by_filters(self, staff: Person) -> None:
        """Whoever can view them could find a session key letter by letter, and use that session."""
        assert not admin.site.is_registered(UserSession)
        assert staff.client.get("/admin/usersessions/usersession/").status_code == 404

    @pytest.mark.parametrize("lookup", ["password__startswith", "socialaccount__socialtoken__token__startswith"])
    def test_nor_through_users(self, staff: Person, customers: Person, lookup: str) -> None:
        assert staff.client.get(page(User), {lookup: "g"}).status_code in (302, 400)
