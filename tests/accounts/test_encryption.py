"""Encrypted tokens: for whom they decrypt, with which keys, and what a lost key does."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.socialaccount.models import SocialToken
from cryptography.fernet import Fernet
from django.apps import apps
from hypothesis import given
from hypothesis import strategies as st

from accounts.encryption import CannotDecrypt, Field, decrypt, encrypt, is_current
from accounts.models import Connection, Revocation
from tests.support.callback import REVOKE
from tests.support.pages import says, text_of
from tests.support.person import Person
from tests.support.sandbox import Sandbox
from tests.support.stored import SECRETS

OWNER = "a-user:a-team"
OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))


class TestWorks:
    @given(text=st.text(min_size=1), uid=st.text(max_size=160), field=st.sampled_from(["token", "token_secret"]))
    def test_what_was_encrypted_decrypts(self, text: str, uid: str, field: Field) -> None:
        encrypted = encrypt(text, field=field, uid=uid)

        assert decrypt(encrypted, field=field, uid=uid) == text
        assert encrypted.isascii()

    def test_the_same_text_is_encrypted_differently_each_time(self) -> None:
        """So nobody may compare encrypted texts, here or in the database."""
        assert encrypt("x", field="token", uid=OWNER) != encrypt("x", field="token", uid=OWNER)

    def test_nothing_stays_nothing(self) -> None:
        """An empty text means that there is no token; encrypted, it would look like a token."""
        assert encrypt("", field="token_secret", uid=OWNER) == ""
        assert decrypt("", field="token_secret", uid=OWNER) == ""
        assert is_current("")

    def test_the_first_key_encrypts_and_all_of_them_decrypt(self, settings: Any) -> None:
        settings.TOKEN_KEYS = [OLD]
        before = encrypt("x", field="token", uid=OWNER)

        settings.TOKEN_KEYS = [NEW, OLD]
        after = encrypt("x", field="token", uid=OWNER)

        for encrypted in (before, after):
            assert decrypt(encrypted, field="token", uid=OWNER) == "x"
        assert (is_current(before), is_current(after)) == (False, True)
        settings.TOKEN_KEYS = [NEW]
        assert decrypt(after, field="token", uid=OWNER) == "x"
        with pytest.raises(CannotDecrypt):
            decrypt(before, field="token", uid=OWNER)

    def test_a_connection_works_through_a_change_of_keys(self, alice: Person, settings: Any) -> None:
        settings.TOKEN_KEYS = [OLD]
        alice.connect("Northwind")
        settings.TOKEN_KEYS = [NEW, OLD]

        alice.connect("Acme Web")

        page = alice.client.get("/accounts/3rdparty/")
        assert text_of(page).count("Healthy") == 2


class TestRefuses:
    @pytest.mark.parametrize(
        ("field", "uid"),
        [
            ("token_secret", OWNER),
            ("token", "a-user:another-team"),
            ("token", "another-user:a-team"),
            ("token", "a-user:"),
            ("token", f"grant:{OWNER}"),
            ("token", ""),
        ],
    )
    def test_another_field_or_owner(self, field: Field, uid: str) -> None:
        encrypted = encrypt("x", field="token", uid=OWNER)

        with pytest.raises(CannotDecrypt):
            decrypt(encrypted, field=field, uid=uid)

    def test_another_key(self, settings: Any) -> None:
        encrypted = encrypt("x", field="token", uid=OWNER)
        settings.TOKEN_KEYS = [OTHER]

        with pytest.raises(CannotDecrypt):
            decrypt(encrypted, field="token", uid=OWNER)
        assert not is_current(encrypted)

    @pytest.mark.parametrize("place", [1, 20, 60, -1])
    def test_a_text_that_was_tampered_with(self, place: int) -> None:
        encrypted = encrypt("x", field="token", uid=OWNER)
        changed = encrypted[:place] + ("A" if encrypted[place] != "A" else "B") + encrypted[place:][1:]

        with pytest.raises(CannotDecrypt):
            decrypt(changed, field="token", uid=OWNER)

    @pytest.mark.parametrize("text", ["x", "doo_v1_plain", "gAAAAA", "é", "\ud800", "a" * 10_000, " "])
    def test_a_text_that_was_never_encrypted(self, text: str) -> None:
        with pytest.raises(CannotDecrypt):
            decrypt(text, field="token", uid=OWNER)

    @pytest.mark.parametrize("inside", [b"doo_v1_x", b'["token","x"]', b"[]", b'["token",7,"x"]', b"\xff"])
    def test_something_else_under_the_right_key(self, settings: Any, inside: bytes) -> None:
        settings.TOKEN_KEYS = [OLD]
        encrypted = Fernet(OLD).encrypt(inside).decode()

        with pytest.raises(CannotDecrypt):
            decrypt(encrypted, field="token", uid=OWNER)

    def test_the_exception_tells_nothing(self) -> None:
        encrypted = encrypt("doo_v1_secret", field="token", uid=OWNER)

        with pytest.raises(CannotDecrypt) as caught:
            decrypt(encrypted, field="token_secret", uid=OWNER)

        assert "secret" not in str(caught.value)
        assert encrypted not in str(caught.value)


class TestAtRest:
    def test_no_token_lies_open_in_any_table(self, owner: Person, digitalocean: Sandbox) -> None:
        digitalocean.fault("status", **REVOKE, status=503)
        owner.connect("Northwind")  # leaves a queued revocation
        owner.leave()
        assert Revocation.objects.exists()

        for model in apps.get_models():
            for row in model._default_manager.values():
                shown = str(row)
                assert not [mark for mark in SECRETS[:2] if mark in shown], model
                if model not in (SocialToken, Revocation):
                    assert SECRETS[2] not in shown, model

    def test_a_pair_copied_to_another_connection_does_not_decrypt_there(
        self, owner: Person, digitalocean: Sandbox
    ) -> None:
        """Somebody who can write to the database, and has no key."""
        mine, theirs = owner.connection("Northwind"), owner.connect("Acme Web")
        theirs.token.token, theirs.token.token_secret = mine.token.token, mine.token.token_secret
        theirs.token.save()
        digitalocean.reset_counters()

        pages = [text_of(owner.client.get(url)) for url in ("/accounts/3rdparty/", "/droplets/")]

        assert pages[0].count("Reconnect needed") == 1
        assert digitalocean.counters().by_team.get(digitalocean.team("Acme Web").uuid, 0) == 0

    def test_a_refresh_token_in_the_place_of_an_access_token(self, owner: Person) -> None:
        connection = owner.connection("Northwind")
        connection.token.token = connection.token.token_secret
        connection.token.save()

        assert says(owner.client.get("/accounts/3rdparty/"), "Reconnect needed")


class TestALostKey:
    @pytest.fixture
    def loser(self, alice: Person, settings: Any) -> Person:
        """Northwind is encrypted with a lost key, Acme Web with the current one."""
        settings.TOKEN_KEYS = [OLD]
        alice.connect("Northwind")
        settings.TOKEN_KEYS = [NEW]
        alice.connect("Acme Web")
        return alice

    def test_the_connection_asks_to_be_connected_again(self, loser: Person) -> None:
        page = loser.client.get("/accounts/3rdparty/")

        assert says(page, "Conveyor can no longer decrypt this connection's token.", "Reconnect needed", "Healthy")

    def test_the_fleet_still_shows_the_others(self, loser: Person, digitalocean: Sandbox) -> None:
        page = loser.client.get("/droplets/")

        assert page.status_code == 200
        assert says(page, "Northwind", "Acme Web", "Reconnect")
        assert digitalocean.counters().by_endpoint.get("GET /v2/droplets", 0) >= 1

    def test_reconnecting_brings_it_back_in_place(self, loser: Person) -> None:
        before = loser.connection("Northwind")

        loser.go("Northwind", url=f"/accounts/connections/{before.pk}/reconnect/")

        assert loser.connection("Northwind").pk == before.pk
        assert text_of(loser.client.get("/accounts/3rdparty/")).count("Healthy") == 2

    def test_disconnecting_says_that_it_cannot_be_revoked(self, loser: Person) -> None:
        pk = loser.connection("Northwind").pk

        loser.client.post(f"/accounts/connections/{pk}/disconnect/")

        assert says(loser.client.get("/accounts/3rdparty/"), "so it cannot revoke it")
        assert [each.team_name for each in loser.connections] == ["Acme Web"]

    def test_the_key_found_again_heals_it(self, loser: Person, settings: Any) -> None:
        loser.client.get("/droplets/")
        settings.TOKEN_KEYS = [NEW, OLD]

        assert text_of(loser.client.get("/accounts/3rdparty/")).count("Healthy") == 2
        assert Connection.objects.filter(state="healthy").count() == 2
