"""What DigitalOcean says about a team and its owner, as the pages show it: always the newest."""

from __future__ import annotations

import pytest

from accounts.models import Connection, team_label
from tests.accounts.test_tokens import expire, token_for
from tests.support.callback import ACCOUNT
from tests.support.pages import says
from tests.support.person import Person
from tests.support.sandbox import Sandbox

CONNECTIONS = "/accounts/3rdparty/"
EXCHANGE = {"path": "^/v1/oauth/token$", "grant_type": "authorization_code"}
REFRESH = {"path": "^/v1/oauth/token$", "grant_type": "refresh_token"}


def account(sandbox: Sandbox, **changes: str) -> None:
    """Let /v2/account answer differently, by pointers without the first part."""
    sandbox.fault("patch", **ACCOUNT, set={f"/account/{name.replace('__', '/')}": it for name, it in changes.items()})


class TestARenamedTeam:
    def test_a_refresh_brings_the_new_name(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect("Acme Web")
        expire(connection)
        digitalocean.fault("patch", **REFRESH, set={"/info/team_name": "Acme Platform"})

        token_for(connection)

        assert Connection.objects.get().team_name == "Acme Platform"

    @pytest.mark.parametrize("info", [{"/info/team_name": " \u200b"}, {"/info/team_uuid": "f" * 36}, {"/info": None}])
    def test_an_answer_without_a_name_changes_nothing(
        self, alice: Person, digitalocean: Sandbox, info: dict[str, str]
    ) -> None:
        connection = alice.connect("Acme Web")
        expire(connection)
        digitalocean.fault("patch", **REFRESH, set=info)

        token_for(connection)

        assert Connection.objects.get().team_name == "Acme Web"
        assert Connection.objects.get().refreshed_at

    def test_connecting_again_brings_it_also_where_the_pair_stays(self, alice: Person, digitalocean: Sandbox) -> None:
        connection = alice.connect("Acme Web")
        alice.go("Acme Web", url=f"/accounts/connections/{connection.pk}/act/")  # a wider scope, which is kept
        account(digitalocean, team__name="Acme Platform")

        alice.go("Acme Web")

        assert Connection.objects.get().team_name == "Acme Platform"
        assert Connection.objects.get().can_act

    @pytest.mark.parametrize("may_log_in", [True, False])
    def test_logging_in_with_it_brings_it(self, alice: Person, digitalocean: Sandbox, may_log_in: bool) -> None:
        alice.connect("Acme Web")
        Connection.objects.update(sign_in=may_log_in)
        alice.log_out()
        account(digitalocean, team__name="Acme Platform")

        alice.go("Acme Web", process="login")

        assert Connection.objects.get().team_name == ("Acme Platform" if may_log_in else "Acme Web")


class TestATeamWithoutAName:
    @pytest.mark.parametrize("name", ["", "   ", "\u200b\u00a0", "\ufffd "])
    def test_it_has_a_label_all_the_same(self, name: str) -> None:
        assert team_label(name, email="ada@acme.example", team_uuid="1a2b3c4d-0000") == "ada@acme.example"
        assert team_label(name, email="", team_uuid="1a2b3c4d-0000") == "Team 1a2b3c4d"
        assert team_label(name, email="", team_uuid="") == "Personal account"

    def test_the_page_shows_its_email_address(self, alice: Person, digitalocean: Sandbox) -> None:
        account(digitalocean, team__name="   ")
        digitalocean.fault("patch", **EXCHANGE, set={"/info/team_name": None})

        alice.go("Acme Web")

        assert Connection.objects.get().team_name == "ada@acme.example"


class TestTheAccountStatus:
    def test_a_locked_account_is_shown_on_the_card(self, alice: Person, digitalocean: Sandbox) -> None:
        account(digitalocean, status="locked", status_message="Please contact support.")

        alice.connect("Acme Web")

        assert says(alice.client.get(CONNECTIONS), "DigitalOcean account Locked: Please contact support.")

    def test_an_active_one_is_not(self, alice: Person, digitalocean: Sandbox) -> None:
        account(digitalocean, status="warning")
        connection = alice.connect("Acme Web")
        assert says(alice.client.get(CONNECTIONS), "DigitalOcean account Warning")
        digitalocean.clear_faults()

        alice.go("Acme Web", url=f"/accounts/connections/{connection.pk}/reconnect/")

        assert "DigitalOcean account" not in alice.client.get(CONNECTIONS).content.decode()
