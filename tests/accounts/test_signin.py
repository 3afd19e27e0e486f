"""Signing in with a team: who may, what it changes (nothing), and the last way in."""

from __future__ import annotations

from functools import partial

import pytest
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.models import Connection, Event, Revocation, User
from tests.support import totp
from tests.support.at_once import at_once, tab
from tests.support.callback import REVOKE, assert_refused
from tests.support.pages import says
from tests.support.person import Person
from tests.support.sandbox import Sandbox
from tests.support.stored import Stored, all_sessions, kept_pairs, secrets_in, stray_grants

CONNECTIONS = "/accounts/3rdparty/"
MFA = "/accounts/2fa/authenticate/"
LAST = "This is your only way to log in"


def is_signed_in(person: Person) -> bool:
    return "_auth_user_id" in person.client.session


def switch(person: Person, team: str, on: bool) -> object:
    pk = person.connection(team).pk
    return person.client.post(f"/accounts/connections/{pk}/sign-in/", {"on": "1" if on else "0"})


def without_password(person: Person) -> Person:
    user = person.user
    user.set_unusable_password()
    user.save()
    person.client.force_login(user)
    return person


@pytest.fixture
def ada(owner: Person) -> Person:
    """Alice with Northwind, which may sign in; signed out now."""
    switch(owner, "Northwind", on=True)
    owner.log_out()
    return owner


class TestWorks:
    def test_a_team_that_may_sign_in_does_and_changes_nothing(self, ada: Person, digitalocean: Sandbox) -> None:
        before = Stored.now()

        answer = ada.go("Northwind", process="login")

        assert answer["Location"] == "/droplets/"
        assert is_signed_in(ada)
        assert Stored.now() == before
        [grant] = digitalocean.live_grants()  # the one that the sign-in brought was given back
        assert kept_pairs() == [(grant.access_token, grant.refresh_token)]
        assert not Revocation.objects.exists()

    def test_the_grant_is_queued_while_digitalocean_cannot_revoke_it(self, ada: Person, digitalocean: Sandbox) -> None:
        digitalocean.fault("status", **REVOKE, status=503)
        before = Stored.now()

        ada.go("Northwind", process="login")

        assert is_signed_in(ada)
        assert Stored.now() == before
        assert Revocation.objects.get().reason == "log-in only"
        assert stray_grants(digitalocean) == []

    def test_it_never_narrows_a_scope(self, ada: Person) -> None:
        Connection.objects.update(scope="read write")
        before = Stored.now()

        ada.go("Northwind", process="login")

        assert is_signed_in(ada)
        assert Stored.now() == before

    def test_an_unknown_team_of_somebody_known_signs_in_and_is_linked(self, ada: Person, digitalocean: Sandbox) -> None:
        answer = ada.go("Acme Web", process="login")

        assert answer["Location"] == "/droplets/"
        assert is_signed_in(ada)
        assert [(each.team_name, each.sign_in) for each in ada.connections] == [("Acme Web", True), ("Northwind", True)]
        assert says(ada.client.get(CONNECTIONS), "Acme Web is connected.")
        assert len(digitalocean.live_grants()) == 2
        assert not Revocation.objects.exists()

    def test_a_second_factor_comes_before_an_unknown_team_is_linked(self, ada: Person, digitalocean: Sandbox) -> None:
        secret = totp.switch_on(ada.user)
        before = Stored.now()

        answer = ada.go("Acme Web", process="login")

        assert answer["Location"] == MFA
        assert not is_signed_in(ada)
        assert Stored.now() == before
        assert stray_grants(digitalocean) == []
        assert not secrets_in(all_sessions())
        assert ada.client.post(MFA, {"code": "000000"}).status_code == 200
        assert Stored.now() == before

        ada.client.post(MFA, {"code": totp.code(secret)})

        assert is_signed_in(ada)
        assert [each.team_name for each in ada.connections] == ["Acme Web", "Northwind"]
        assert len(digitalocean.live_grants()) == 2
        assert not Revocation.objects.exists()

    @pytest.mark.parametrize("taken", [True, False], ids=["revoked at once", "still queued"])
    def test_a_known_team_with_a_second_factor_changes_nothing_either(
        self, ada: Person, digitalocean: Sandbox, taken: bool
    ) -> None:
        if not taken:
            digitalocean.fault("status", **REVOKE, status=503)
        secret = totp.switch_on(ada.user)
        before = Stored.now()

        ada.go("Northwind", process="login")
        ada.client.post(MFA, {"code": totp.code(secret)})

        assert is_signed_in(ada)
        assert Stored.now() == before
        assert "could not be connected" not in ada.client.get(CONNECTIONS).content.decode()
        assert stray_grants(digitalocean) == []

    def test_switching_it_on_and_off(self, owner: Person) -> None:
        switch(owner, "Northwind", on=True)
        assert says(owner.client.get(CONNECTIONS), "You can now log in with Northwind.", "Turn off")
        assert owner.connection("Northwind").sign_in

        switch(owner, "Northwind", on=False)

        assert says(owner.client.get(CONNECTIONS), "You can no longer log in with Northwind.")
        assert not owner.connection("Northwind").sign_in
        details = Event.objects.filter(kind=Event.Kind.SIGN_IN).order_by("pk").values_list("detail", "user")
        assert list(details) == [("on", owner.user.pk), ("off", owner.user.pk)]

    def test_switching_it_to_what_it_is_writes_nothing(self, owner: Person) -> None:
        switch(owner, "Northwind", on=False)

        assert not Event.objects.filter(kind=Event.Kind.SIGN_IN).exists()


class TestATeamlessConnection:
    """Linus has no team; later he makes one. His connection is found again by his uuid, and re-keyed."""

    @pytest.fixture
    def linus(self, digitalocean: Sandbox, db: None) -> Person:
        person = Person(digitalocean, "linus@example.com", "linus")
        person.sign_up()
        person.go(None)
        [connection] = person.connections
        assert connection.team_uuid == ""
        assert connection.account.uid == f"{digitalocean.user('linus').uuid}:"
        assert connection.team_name == "linus@solo.example"
        digitalocean.account("linus", team="Solo Works")
        return person

    def assert_rekeyed(self, linus: Person, digitalocean: Sandbox, before: Connection) -> None:
        [connection] = linus.connections
        assert connection.pk == before.pk
        assert connection.team_name == "Solo Works"
        [grant] = digitalocean.live_grants()  # the teamless one was given back
        assert (connection.team_uuid, connection.account.uid) == (
            grant.team_uuid,
            f"{grant.user_uuid}:{grant.team_uuid}",
        )
        assert kept_pairs() == [(grant.access_token, grant.refresh_token)]
        assert digitalocean.get("/v2/account", kept_pairs()[0][0]).status_code == 200
        assert SocialAccount.objects.count() == 1
        assert not Revocation.objects.exists()

    def test_connecting_the_team_re_keys_it(self, linus: Person, digitalocean: Sandbox) -> None:
        [before] = linus.connections

        linus.go("Solo Works")

        self.assert_rekeyed(linus, digitalocean, before)
        kinds = Event.objects.filter(connection_id=before.pk).order_by("pk").values_list("kind", flat=True)
        assert list(kinds) == ["connect", "reconnect", "revoke"]

    def test_reconnecting_it_re_keys_it(self, linus: Person, digitalocean: Sandbox) -> None:
        [before] = linus.connections

        linus.go("Solo Works", url=f"/accounts/connections/{before.pk}/reconnect/")

        self.assert_rekeyed(linus, digitalocean, before)

    def test_signing_in_with_the_team_re_keys_it(self, linus: Person, digitalocean: Sandbox) -> None:
        [before] = linus.connections
        switch(linus, before.team_name, on=True)
        linus.log_out()

        linus.go("Solo Works", process="login")

        assert is_signed_in(linus)
        self.assert_rekeyed(linus, digitalocean, before)

    def test_a_second_team_is_a_second_connection(self, linus: Person, digitalocean: Sandbox) -> None:
        linus.go("Solo Works")
        digitalocean.account("linus", team="Night Shift")

        linus.go("Night Shift")

        assert [each.team_name for each in linus.connections] == ["Night Shift", "Solo Works"]

    def test_somebody_elses_is_left_alone(self, linus: Person, digitalocean: Sandbox) -> None:
        """The same DigitalOcean user under another account: that one gets a connection of its own."""
        other = Person(digitalocean, "carol@example.com", "linus")
        other.sign_up()
        before = Stored.now()

        other.go("Solo Works")

        assert [each.team_name for each in linus.connections] == ["linus@solo.example"]
        assert [each.team_name for each in other.connections] == ["Solo Works"]
        assert Stored.now().tokens[0] == before.tokens[0]
        assert len(digitalocean.live_grants()) == 2

    def test_a_reconnect_of_a_team_does_not_take_a_grant_without_one(
        self, owner: Person, digitalocean: Sandbox
    ) -> None:
        connection = owner.connection("Northwind")
        before = Stored.now()

        answer = owner.go(None, url=f"/accounts/connections/{connection.pk}/reconnect/", user="linus")

        assert_refused(answer, before, digitalocean, "You chose another team")


class TestRefuses:
    def test_a_team_that_is_not_for_signing_in(self, owner: Person, digitalocean: Sandbox) -> None:
        visitor = Person(digitalocean, "ada@acme.example")
        before = Stored.now()

        answer = visitor.go("Northwind", process="login")

        assert answer.status_code == 403
        assert_refused(
            answer, before, digitalocean, "You cannot log in with this team", "Log in another way", "/accounts/login/"
        )
        assert owner.email not in answer.content.decode()
        assert not is_signed_in(visitor)
        assert len(digitalocean.live_grants()) == 1

    def test_somebody_who_may_sign_in_to_two_accounts_signs_up(self, ada: Person, digitalocean: Sandbox) -> None:
        other = Person(digitalocean, "carol@example.com", "ada")
        other.sign_up()
        other.connect("Acme Web")
        switch(other, "Acme Web", on=True)
        visitor = Person(digitalocean, "ada@acme.example")

        visitor.go("Side projects", process="login")

        assert User.objects.count() == 3
        assert [each.team_name for each in visitor.connections] == ["Side projects"]
        assert [each.team_name for each in ada.connections] == ["Northwind"]

    def test_an_unknown_team_of_somebody_whose_other_is_off_signs_up(
        self, owner: Person, digitalocean: Sandbox
    ) -> None:
        visitor = Person(digitalocean, "ada@acme.example")

        visitor.go("Acme Web", process="login")

        assert [each.team_name for each in owner.connections] == ["Northwind"]
        assert [each.team_name for each in visitor.connections] == ["Acme Web"]

    def test_another_member_of_the_team_is_somebody_else(self, ada: Person, digitalocean: Sandbox) -> None:
        """Grace is in Northwind, too: her access to it opens no account of Ada's."""
        grace = Person(digitalocean, "grace@northwind.example", "grace")

        grace.go("Northwind", process="login")

        assert grace.user != ada.user
        assert not is_signed_in(grace)

    @pytest.mark.parametrize("team", ["Northwind", "Acme Web"])
    def test_an_account_that_is_switched_off(self, ada: Person, digitalocean: Sandbox, team: str) -> None:
        User.objects.update(is_active=False)
        before = Stored.now()

        answer = ada.go(team, process="login")

        assert says(ada.client.get(answer["Location"]), "This account is disabled")
        assert not is_signed_in(ada)
        assert Stored.now() == before
        assert stray_grants(digitalocean) == []

    def test_a_second_factor_that_never_comes_leaves_the_grant_queued(self, ada: Person, digitalocean: Sandbox) -> None:
        totp.switch_on(ada.user)

        ada.go("Acme Web", process="login")
        ada.client.get("/accounts/login/")

        assert Revocation.objects.get().status == Revocation.Status.PENDING
        assert stray_grants(digitalocean) == []

    def test_a_team_that_somebody_else_has_linked_before_the_second_factor(
        self, ada: Person, digitalocean: Sandbox
    ) -> None:
        secret = totp.switch_on(ada.user)
        ada.go("Acme Web", process="login")
        other = Person(digitalocean, "carol@example.com", "ada")
        other.sign_up()
        other.connect("Acme Web")
        before = Stored.now()

        ada.client.post(MFA, {"code": totp.code(secret)})

        assert is_signed_in(ada)
        assert says(ada.client.get(CONNECTIONS), "You are logged in, but the team could not be connected.")
        assert Stored.now() == before
        assert len(digitalocean.live_grants()) == 2

    def test_a_second_factor_that_comes_after_the_grant_fell_due(self, ada: Person, digitalocean: Sandbox) -> None:
        secret = totp.switch_on(ada.user)
        ada.go("Acme Web", process="login")
        before = Stored.now()
        Revocation.objects.update(due_at=timezone.now())

        ada.client.post(MFA, {"code": totp.code(secret)})

        assert is_signed_in(ada)
        assert says(ada.client.get(CONNECTIONS), "the team could not be connected. Connect it again.")
        assert Stored.now() == before
        assert stray_grants(digitalocean) == []

    def test_get_switches_nothing(self, owner: Person) -> None:
        pk = owner.connection("Northwind").pk

        assert owner.client.get(f"/accounts/connections/{pk}/sign-in/").status_code == 405


class TestTheLastWayIn:
    @pytest.fixture
    def bare(self, owner: Person) -> Person:
        """Alice without a password: Northwind is her only way in, Acme Web is for its droplets alone."""
        owner.connect("Acme Web")
        switch(owner, "Northwind", on=True)
        return without_password(owner)

    def test_it_cannot_be_switched_off(self, bare: Person) -> None:
        page = bare.client.get(CONNECTIONS)
        assert says(page, LAST)
        assert "Turn off" not in page.content.decode()

        switch(bare, "Northwind", on=False)

        assert says(bare.client.get(CONNECTIONS), LAST)
        assert bare.connection("Northwind").sign_in

    def test_it_cannot_be_disconnected(self, bare: Person, digitalocean: Sandbox) -> None:
        pk = bare.connection("Northwind").pk

        answer = bare.client.post(f"/accounts/connections/{pk}/disconnect/")

        assert answer["Location"] == CONNECTIONS
        assert says(bare.client.get(CONNECTIONS), LAST, "Set a password first, or allow log-in with another team.")
        assert bare.connection("Northwind").sign_in
        assert len(digitalocean.live_grants()) == 2

    def test_allauths_own_rule_knows_it_too(self, bare: Person) -> None:
        """Its "last account" would let the only team that may sign in go, as long as another stays."""
        account = bare.connection("Northwind").account

        with pytest.raises(ValidationError, match=LAST):
            get_adapter().validate_disconnect(account, SocialAccount.objects.all())

    def test_what_does_not_sign_in_can_go(self, bare: Person) -> None:
        pk = bare.connection("Acme Web").pk

        bare.client.post(f"/accounts/connections/{pk}/disconnect/")

        assert [each.team_name for each in bare.connections] == ["Northwind"]

    def test_it_can_go_once_another_is_switched_on(self, bare: Person) -> None:
        switch(bare, "Acme Web", on=True)

        switch(bare, "Northwind", on=False)

        assert not bare.connection("Northwind").sign_in

    def test_it_can_go_once_there_is_a_password(self, bare: Person) -> None:
        user = bare.user
        user.set_password("correct horse battery staple")
        user.save()
        bare.client.force_login(user)

        assert LAST not in bare.client.get(CONNECTIONS).content.decode()

    def test_a_password_without_an_address_is_no_way_in(self, bare: Person) -> None:
        user = bare.user
        user.set_password("correct horse battery staple")
        user.release_email()
        user.save()
        bare.client.force_login(user)

        assert LAST in bare.client.get(CONNECTIONS).content.decode()


@pytest.mark.django_db(transaction=True)
class TestTheLastWayInWithTwoTabs:
    @pytest.fixture
    def alice(self, digitalocean: Sandbox, transactional_db: None) -> Person:
        """Without a password; two teams may sign in."""
        person = Person(digitalocean, "alice@example.com", "ada")
        person.sign_up()
        for team in ("Acme Web", "Northwind"):
            person.connect(team)
            switch(person, team, on=True)
        return without_password(person)

    def test_they_cannot_switch_off_the_last_two(self, alice: Person) -> None:
        other = tab(alice)

        at_once(
            partial(switch, alice, "Acme Web", on=False),
            partial(switch, other, "Northwind", on=False),
        )

        assert Connection.objects.filter(sign_in=True).count() == 1

    def test_they_cannot_disconnect_the_last_two(self, alice: Person, digitalocean: Sandbox) -> None:
        tabs = {"Acme Web": alice, "Northwind": tab(alice)}
        urls = {team: f"/accounts/connections/{alice.connection(team).pk}/disconnect/" for team in tabs}

        at_once(*(partial(person.client.post, urls[team]) for team, person in tabs.items()))

        assert Connection.objects.filter(sign_in=True).count() == 1
        assert len(digitalocean.live_grants()) == 1

    def test_they_cannot_switch_off_one_and_disconnect_the_other(self, alice: Person) -> None:
        other = tab(alice)
        url = f"/accounts/connections/{alice.connection('Northwind').pk}/disconnect/"

        at_once(partial(switch, alice, "Acme Web", on=False), partial(other.client.post, url))

        assert Connection.objects.filter(sign_in=True).count() == 1

    def test_one_disconnected_twice(self, alice: Person, digitalocean: Sandbox) -> None:
        other = tab(alice)
        url = f"/accounts/connections/{alice.connection('Northwind').pk}/disconnect/"

        answers = at_once(partial(alice.client.post, url), partial(other.client.post, url))

        assert {answer.status_code for answer in answers} <= {302, 404}
        assert [each.team_name for each in alice.connections] == ["Acme Web"]
        assert len(digitalocean.live_grants()) == 1
        assert not Revocation.objects.exists()
