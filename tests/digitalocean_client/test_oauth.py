"""DigitalOcean's OAuth endpoints and /v2/account, as Conveyor calls them: what is taken, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from digitalocean_client import errors, oauth
from tests.support.sandbox import CALLBACK, Sandbox

REFRESH: dict[str, Any] = {"path": "^/v1/oauth/token$", "grant_type": "refresh_token"}


@pytest.fixture
def granted(digitalocean: Sandbox) -> oauth.TokenPair:
    """Ada's for Northwind."""
    return oauth.exchange(digitalocean.code(team="Northwind"), CALLBACK)


class TestWorks:
    def test_a_code_becomes_a_pair(self, granted: oauth.TokenPair, digitalocean: Sandbox) -> None:
        [grant] = digitalocean.live_grants()
        assert (granted.access_token, granted.refresh_token) == (grant.access_token, grant.refresh_token)
        assert granted.scope == "read"
        assert granted.expires_at is not None
        assert abs(granted.expires_at - datetime.now(UTC) - timedelta(days=30)) < timedelta(minutes=1)
        assert granted.info == oauth.TokenOwner(grant.user_uuid, "ada@acme.example", grant.team_uuid, "Northwind")
        assert granted.flaw == ""
        assert granted.request_id == digitalocean.recent_requests()[-1]["request_id"]

    def test_a_refresh_gives_a_new_pair(self, granted: oauth.TokenPair, digitalocean: Sandbox) -> None:
        again = oauth.refresh(granted.refresh_token)

        [grant] = digitalocean.live_grants()
        assert (again.access_token, again.refresh_token) == (grant.access_token, grant.refresh_token)
        assert again.access_token != granted.access_token

    def test_whose_a_token_is(self, granted: oauth.TokenPair, digitalocean: Sandbox) -> None:
        whose = oauth.token_owner(granted.access_token)

        assert whose.email_verified  # which only /v2/account tells
        assert granted.info == msgspec.structs.replace(whose, email_verified=False)
        assert whose.uid == f"{digitalocean.user('ada').uuid}:{digitalocean.team('Northwind').uuid}"

    def test_whose_a_token_outside_of_any_team_is(self, digitalocean: Sandbox) -> None:
        pair = oauth.exchange(digitalocean.code(user="linus"), CALLBACK)

        whose = oauth.token_owner(pair.access_token)

        assert (whose.team_uuid, whose.team_name) == ("", "")
        assert whose.uid == f"{digitalocean.user('linus').uuid}:"
        assert pair.info == oauth.TokenOwner(whose.user_uuid, whose.email)

    def test_a_revocation_ends_the_grant(self, granted: oauth.TokenPair, digitalocean: Sandbox) -> None:
        oauth.revoke(granted.access_token, timeout=5)

        assert digitalocean.live_grants() == []

    def test_a_scope_has_one_written_form(self) -> None:
        assert oauth.account_scope(" write  read read\n") == "read write"
        assert oauth.account_scope(None) == oauth.account_scope("") == ""


class TestARefreshedPairWithAFlaw:
    """The old pair is spent, so what can be used of the new one must not be thrown away."""

    @pytest.mark.parametrize("nonsense", ["soon", -1, 0, [30], 1e30, True, None])
    def test_an_expiry_that_makes_no_sense(
        self, granted: oauth.TokenPair, digitalocean: Sandbox, nonsense: Any
    ) -> None:
        digitalocean.fault("patch", **REFRESH, set={"/expires_in": nonsense})

        again = oauth.refresh(granted.refresh_token)

        assert again.expires_at is None
        [grant] = digitalocean.live_grants()
        assert (again.access_token, again.refresh_token) == (grant.access_token, grant.refresh_token)
        assert bool(again.flaw) == (nonsense is not None)

    @pytest.mark.parametrize("field", ["scope", "refresh_token"])
    def test_another_field_that_makes_no_sense(
        self, granted: oauth.TokenPair, digitalocean: Sandbox, field: str
    ) -> None:
        digitalocean.fault("patch", **REFRESH, set={f"/{field}": 7})

        again = oauth.refresh(granted.refresh_token)

        assert again.access_token == digitalocean.live_grants()[0].access_token
        assert (again.scope is None, again.refresh_token == "") == (field == "scope", field == "refresh_token")

    @pytest.mark.parametrize("nonsense", [None, "", 7, "a b"])
    def test_no_access_token_is_no_pair(self, granted: oauth.TokenPair, digitalocean: Sandbox, nonsense: Any) -> None:
        digitalocean.fault("patch", **REFRESH, set={"/access_token": nonsense})

        with pytest.raises(errors.UnexpectedAnswer):
            oauth.refresh(granted.refresh_token)

    def test_info_may_say_nothing(self, granted: oauth.TokenPair, digitalocean: Sandbox) -> None:
        digitalocean.fault("patch", **REFRESH, set={"/info": {"name": "Ada", "new": [1]}})

        again = oauth.refresh(granted.refresh_token)

        assert (again.info, again.flaw) == (oauth.TokenOwner(), "")


class TestRefuses:
    """The token endpoint's errors mean other things than the API's: RFC 6749 §5.2."""

    @pytest.mark.parametrize(
        ("code", "expected"),
        [
            ("invalid_grant", errors.InvalidGrant),
            ("invalid_client", errors.Misconfigured),
            ("unauthorized_client", errors.Misconfigured),
            ("unsupported_grant_type", errors.Misconfigured),
            ("invalid_scope", errors.Misconfigured),
            ("invalid_request", errors.UnexpectedAnswer),
            ("something_new", errors.UnexpectedAnswer),
            ("", errors.UnexpectedAnswer),
        ],
    )
    @pytest.mark.parametrize("status", [400, 401, 403])
    def test_by_its_code(self, digitalocean: Sandbox, code: str, expected: Any, status: int) -> None:
        digitalocean.fault("status", **REFRESH, status=status, json={"error": code, "error_description": "words"})

        with pytest.raises(errors.DigitalOceanError) as caught:
            oauth.refresh("dor_v1_x")

        assert type(caught.value) is expected
        assert caught.value.status == status
        assert "words" not in str(caught.value)

    @pytest.mark.parametrize("status", [401, 403, 404, 409, 422])
    def test_a_refusal_without_a_code_says_nothing_about_the_grant(self, digitalocean: Sandbox, status: int) -> None:
        """A proxy that answers 401 must not make a connection look dead."""
        digitalocean.fault("html", **REFRESH, status=status)

        with pytest.raises((errors.UnexpectedAnswer, errors.Unavailable)):
            oauth.refresh("dor_v1_x")

    @pytest.mark.parametrize(("status", "expected"), [(429, errors.RateLimited), (500, errors.Unavailable)])
    def test_a_code_of_no_refusal_changes_nothing(self, digitalocean: Sandbox, status: int, expected: Any) -> None:
        digitalocean.fault("status", **REFRESH, status=status, json={"error": "server_error"})

        with pytest.raises(expected):
            oauth.refresh("dor_v1_x")

    def test_a_token_that_was_never_given(self, digitalocean: Sandbox) -> None:
        with pytest.raises(errors.InvalidGrant):
            oauth.refresh("dor_v1_" + "0" * 64)
        with pytest.raises(errors.InvalidGrant):
            oauth.exchange("0" * 64, CALLBACK)
        for call in (oauth.token_owner, lambda token: oauth.revoke(token, timeout=5)):
            with pytest.raises(errors.TokenRejected):
                call("doo_v1_" + "0" * 64)

    def test_a_code_for_another_callback(self, digitalocean: Sandbox) -> None:
        with pytest.raises(errors.InvalidGrant):
            oauth.exchange(digitalocean.code(), CALLBACK.replace("8000", "8001"))
