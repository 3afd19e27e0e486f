"""Answers that differ from the documentation in one place, over a real connection to the sandbox."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from digitalocean_client import actions, droplets, errors, oauth, resources
from digitalocean_client.schema import BackupPolicy
from tests.support.sandbox import CALLBACK, Sandbox

TOKEN: dict[str, Any] = {"path": "^/v1/oauth/token$"}
ACCOUNT: dict[str, Any] = {"path": "^/v2/account$"}
POLICY = "/backups/policy$"


def owner(digitalocean: Sandbox) -> oauth.TokenOwner:
    pair = oauth.exchange(digitalocean.code(team="Northwind"), CALLBACK)
    assert pair.flaw == ""
    return oauth.token_owner(pair.access_token, pair.info)


class TestWhoATokenIsFor:
    @pytest.mark.parametrize(
        ("fault", "more"),
        [
            (TOKEN, {"remove": ["/info/team_uuid", "/info/team_name"]}),
            (TOKEN, {"set": {"/info": {"name": "Ada", "email": "ada@acme.example"}}}),
            (TOKEN, {"set": {"/info": "ada"}}),
            (TOKEN, {"set": {"/info/team_name": 7}}),
            (ACCOUNT, {"remove": ["/account/team"]}),
            (ACCOUNT, {"set": {"/account/team": {}}}),
            (ACCOUNT, {"set": {"/account/team/name": "  "}}),
            (ACCOUNT, {"set": {"/account/email": None, "/account/status": 5}}),
        ],
    )
    def test_a_missing_field_contradicts_nothing(
        self, digitalocean: Sandbox, fault: dict[str, Any], more: dict[str, Any]
    ) -> None:
        digitalocean.fault("patch", **fault, **more)

        found = owner(digitalocean)

        assert found.uid == f"{digitalocean.user('ada').uuid}:{digitalocean.team('Northwind').uuid}"
        assert (found.email, found.team_name) == ("ada@acme.example", "Northwind")

    def test_uuids_have_no_case(self, digitalocean: Sandbox) -> None:
        team = digitalocean.team("Northwind").uuid
        digitalocean.fault("patch", **TOKEN, set={"/info/team_uuid": team.upper()})

        assert owner(digitalocean).team_uuid == team

    def test_a_name_of_spaces_in_both_is_empty(self, digitalocean: Sandbox) -> None:
        digitalocean.fault("patch", **TOKEN, set={"/info/team_name": " "})
        digitalocean.fault("patch", **ACCOUNT, set={"/account/team/name": "\u3000"})

        assert owner(digitalocean).team_name == ""

    @pytest.mark.parametrize("field", ["uuid", "team_uuid"])
    def test_another_user_or_team_is_refused(self, digitalocean: Sandbox, field: str) -> None:
        digitalocean.fault("patch", **TOKEN, set={f"/info/{field}": "f" * 40})

        with pytest.raises(errors.UnexpectedAnswer):
            owner(digitalocean)

    def test_a_team_that_neither_names_is_refused(self, digitalocean: Sandbox) -> None:
        digitalocean.fault("patch", **TOKEN, remove=["/info/team_uuid"])
        digitalocean.fault("patch", **ACCOUNT, set={"/account/team/uuid": None})

        with pytest.raises(errors.UnexpectedAnswer):
            owner(digitalocean)

    def test_an_expiry_may_be_text(self, digitalocean: Sandbox) -> None:
        digitalocean.fault("patch", **TOKEN, set={"/expires_in": "2592000"})

        pair = oauth.exchange(digitalocean.code(team="Northwind"), CALLBACK)

        assert pair.expires_at is not None
        assert pair.flaw == ""


class TestLists:
    @pytest.mark.parametrize(
        ("path", "key", "read"),
        [
            ("/droplets/[0-9]+/snapshots$", "snapshots", resources.snapshots),
            ("/droplets/[0-9]+/firewalls$", "firewalls", resources.firewalls),
            ("/droplets/[0-9]+/actions$", "actions", actions.actions),
        ],
    )
    def test_null_is_empty(
        self, digitalocean: Sandbox, token: str, deadline: float, path: str, key: str, read: Any
    ) -> None:
        digitalocean.fault("json", path=path, json={key: None, "meta": {"total": 0}})

        assert len(read(token, 1, deadline=deadline).items) == 0

    @pytest.mark.parametrize(
        ("key", "read"), [("volumes", resources.volumes), ("reserved_ips", resources.reserved_ips)]
    )
    def test_null_is_an_empty_list_of_the_team(
        self, digitalocean: Sandbox, token: str, deadline: float, key: str, read: Any
    ) -> None:
        digitalocean.fault("json", path=f"/v2/{key}$", json={key: None})

        assert read(token, deadline=deadline).items == ()

    def test_actions_that_never_end_are_read_to_a_limit(
        self, digitalocean: Sandbox, token: str, deadline: float
    ) -> None:
        later = {"id": 1, "type": "reboot", "status": "completed", "started_at": "2100-01-01T00:00:00Z"}
        digitalocean.fault("json", path="/actions$", json={"actions": [later], "meta": {"total": 10**9}})

        found = actions.actions_since(token, 1, datetime(2026, 1, 1, tzinfo=UTC), deadline=deadline)

        assert len(found) == 25


class TestBackupPolicies:
    @pytest.mark.parametrize(
        ("kind", "more"),
        [
            ("json", {"json": {"policy": None}}),
            ("json", {"json": {"policy": {"backup_policy": None}}}),
            ("json", {"json": {"policy": {"backup_enabled": False}}}),
            ("status", {"status": 404}),
            ("status", {"status": 422}),
        ],
    )
    def test_none(self, digitalocean: Sandbox, token: str, deadline: float, kind: str, more: dict[str, Any]) -> None:
        digitalocean.fault(kind, path=POLICY, **more)

        assert resources.backup_policy(token, 1, deadline=deadline) is None

    @pytest.mark.parametrize(
        ("policy", "expected"),
        [
            ({"plan": "intra_daily_4h", "hour": None}, BackupPolicy("intra_daily_4h")),
            ({"plan": "weekly", "weekday": "SUN", "hour": "4"}, BackupPolicy("weekly", "SUN")),
            ({"plan": "daily", "hour": 5}, BackupPolicy("daily", hour=5)),
            ({"plan": 4, "hour": -1}, BackupPolicy()),
        ],
    )
    def test_any_plan(
        self, digitalocean: Sandbox, token: str, deadline: float, policy: dict[str, Any], expected: BackupPolicy
    ) -> None:
        digitalocean.fault("json", path=POLICY, json={"policy": {"backup_policy": policy}})

        assert resources.backup_policy(token, 1, deadline=deadline) == expected

    def test_another_refusal_is_raised(self, digitalocean: Sandbox, token: str, deadline: float) -> None:
        digitalocean.fault("status", path=POLICY, status=400)

        with pytest.raises(errors.Refused):
            resources.backup_policy(token, 1, deadline=deadline)


class TestRefusals:
    @pytest.mark.parametrize("status", [401, 403])
    def test_a_page_of_something_in_front_is_trouble_and_tried_again(
        self, digitalocean: Sandbox, token: str, deadline: float, status: int
    ) -> None:
        digitalocean.fault("html", path="/v2/droplets$", status=status)

        with pytest.raises(errors.Unavailable) as caught:
            droplets.droplets_page(token, page=1, gpus=False, deadline=deadline)

        assert caught.value.status == status
        assert digitalocean.counters().by_endpoint["GET /v2/droplets"] == 2

    @pytest.mark.parametrize(
        ("status", "body", "words"),
        [
            (403, {"id": "forbidden", "message": "Your account has been locked."}, "Your account has been locked."),
            (403, {"message": "Your role\u202e may not\ndo this."}, "Your role may not do this."),
            (
                422,
                {"id": "x", "message": "Invalid.", "errors": ["Name is taken.", "Invalid."]},
                "Invalid.; Name is taken.",
            ),
            (422, {"errors": [{"detail": "No room."}]}, "No room."),
            (422, {"errors": {"size": ["is too small"]}}, "is too small"),
            (422, {"message": f"Token doo_v1_{'a' * 64} or {'b' * 64}"}, "Token … or …"),
            (422, {"message": "x" * 30 + " " + "y z " * 200}, ("x" * 30 + " " + "y z " * 200)[:300]),
        ],
    )
    def test_digitaloceans_words_are_shown(
        self, digitalocean: Sandbox, token: str, deadline: float, status: int, body: dict[str, Any], words: str
    ) -> None:
        digitalocean.fault("status", path="/v2/droplets$", status=status, json=body)

        with pytest.raises((errors.NotAllowed, errors.Refused)) as caught:
            droplets.droplets_page(token, page=1, gpus=False, deadline=deadline)

        assert caught.value.sentence == f"DigitalOcean refused this: {words}"

    @pytest.mark.parametrize(
        "body",
        [
            {"id": "forbidden", "message": "You are not authorized to perform this operation."},
            {"id": "forbidden", "message": " ", "errors": None},
            {},
        ],
    )
    def test_a_missing_permission_has_the_class_own_sentence(
        self, digitalocean: Sandbox, token: str, deadline: float, body: dict[str, Any]
    ) -> None:
        digitalocean.fault("status", path="/v2/droplets$", status=403, json=body)

        with pytest.raises(errors.NotAllowed) as caught:
            droplets.droplets_page(token, page=1, gpus=False, deadline=deadline)

        assert caught.value.sentence == errors.NotAllowed.sentence
