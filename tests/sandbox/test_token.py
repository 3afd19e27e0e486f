"""The token endpoint: codes, refreshes and client authentication."""

from __future__ import annotations

import base64
import hashlib
import re
import sqlite3
import time
from pathlib import Path

import pytest
import requests

from tests.support.sandbox import CALLBACK, CLIENT_ID, CLIENT_SECRET, Sandbox

VERIFIER = "a-verifier-of-enough-length-for-the-rfc-0123456789"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def exchange(sandbox: Sandbox, code: str, **more: str) -> requests.Response:
    return sandbox.token(**{"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, **more})


def assert_refused(answer: requests.Response, error: str, status: int = 400) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["x-request-id"]


def test_the_answer_is_as_documented(sandbox: Sandbox) -> None:
    answer = exchange(sandbox, sandbox.code(team="Northwind", scope="read write"))

    found = answer.json()
    assert answer.headers["Cache-Control"] == "no-store"
    assert re.fullmatch(r"doo_v1_[0-9a-f]{64}", found["access_token"])
    assert re.fullmatch(r"dor_v1_[0-9a-f]{64}", found["refresh_token"])
    assert (found["token_type"], found["expires_in"], found["scope"]) == ("bearer", 2_592_000, "read write")
    assert found["info"] == {
        "name": "Ada Byron",
        "email": "ada@acme.example",
        "uuid": sandbox.user("ada").uuid,
        "team_uuid": sandbox.team("Northwind").uuid,
        "team_name": "Northwind",
    }


def test_a_user_without_team_has_none_in_the_answer(sandbox: Sandbox) -> None:
    found = sandbox.connect(user="linus")

    assert found["info"].keys() == {"name", "email", "uuid"}


def test_parameters_may_be_in_the_query_string(sandbox: Sandbox) -> None:
    query = {
        "grant_type": "authorization_code",
        "code": sandbox.code(),
        "redirect_uri": CALLBACK,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }

    answer = requests.post(f"{sandbox.oauth_url}/token", params=query, timeout=10)

    assert answer.ok
    assert CLIENT_SECRET not in str(sandbox.recent_requests())
    assert query["code"] not in str(sandbox.recent_requests())


def test_a_client_may_authenticate_with_basic(sandbox: Sandbox) -> None:
    form = {"grant_type": "authorization_code", "code": sandbox.code(), "redirect_uri": CALLBACK}

    answer = requests.post(f"{sandbox.oauth_url}/token", data=form, auth=(CLIENT_ID, CLIENT_SECRET), timeout=10)

    assert answer.ok


@pytest.mark.parametrize(
    "wrong",
    [{"client_secret": "wrong"}, {"client_id": "nobody"}, {"client_id": "", "client_secret": ""}],
)
def test_a_wrong_client_is_refused_and_spends_nothing(sandbox: Sandbox, wrong: dict[str, str]) -> None:
    code = sandbox.code()

    assert_refused(exchange(sandbox, code, **wrong), "invalid_client", 401)
    assert exchange(sandbox, code).ok


def test_a_wrong_basic_header_is_refused(sandbox: Sandbox) -> None:
    for header in ("Basic !!!", "Basic \xe9", "Basic " + base64.b64encode(b"sandbox-client:wrong").decode()):
        answer = requests.post(
            f"{sandbox.oauth_url}/token",
            data={"grant_type": "refresh_token", "refresh_token": "x"},
            headers={"Authorization": header},
            timeout=10,
        )
        assert_refused(answer, "invalid_client", 401)


def test_a_code_works_once(sandbox: Sandbox) -> None:
    code = sandbox.code()

    assert exchange(sandbox, code).ok
    assert_refused(exchange(sandbox, code), "invalid_grant")
    assert len(sandbox.ledger()) == 1


def test_a_code_is_bound_to_its_client(sandbox: Sandbox) -> None:
    sandbox.register_client("other", "other-secret")

    answer = exchange(sandbox, sandbox.code(), client_id="other", client_secret="other-secret")

    assert_refused(answer, "invalid_grant")


def test_a_code_is_bound_to_its_callback(sandbox: Sandbox) -> None:
    answer = exchange(sandbox, sandbox.code(), redirect_uri=CALLBACK.replace("8000", "8002"))

    assert_refused(answer, "invalid_grant")


def test_a_code_lives_ten_minutes(tmp_path: Path) -> None:
    sandbox = Sandbox.start(state=tmp_path / "state.sqlite3")
    try:
        code = sandbox.code()
        with sqlite3.connect(tmp_path / "state.sqlite3") as connection:
            (expires_at,) = connection.execute("SELECT expires_at FROM codes").fetchone()
            connection.execute("UPDATE codes SET expires_at = expires_at - 600")
        connection.close()

        assert 590 < expires_at - time.time() <= 600
        assert_refused(exchange(sandbox, code), "invalid_grant")
    finally:
        sandbox.stop()


def test_a_challenge_needs_its_verifier(sandbox: Sandbox) -> None:
    def code() -> str:
        return sandbox.code(code_challenge=CHALLENGE, code_challenge_method="S256")

    assert_refused(exchange(sandbox, code()), "invalid_grant")
    assert_refused(exchange(sandbox, code(), code_verifier=VERIFIER + "x"), "invalid_grant")
    assert exchange(sandbox, code(), code_verifier=VERIFIER).ok


def test_a_verifier_without_a_challenge_is_refused(sandbox: Sandbox) -> None:
    assert_refused(exchange(sandbox, sandbox.code(), code_verifier=VERIFIER), "invalid_grant")


def test_a_refresh_gives_a_new_pair_and_ends_the_old_one(sandbox: Sandbox) -> None:
    old = sandbox.connect(team="Northwind", scope="read write")

    new = sandbox.refresh(old["refresh_token"]).json()

    assert new.keys() == old.keys()
    assert (new["scope"], new["info"]) == (old["scope"], old["info"])
    assert sandbox.get("/v2/account", old["access_token"]).status_code == 401
    assert sandbox.get("/v2/account", new["access_token"]).status_code == 200
    assert_refused(sandbox.refresh(old["refresh_token"]), "invalid_grant")
    assert [grant.refreshed for grant in sandbox.ledger()] == [1]


def test_a_second_use_of_a_refresh_token_leaves_the_new_pair_alone(sandbox: Sandbox) -> None:
    old = sandbox.connect()
    new = sandbox.refresh(old["refresh_token"]).json()

    sandbox.refresh(old["refresh_token"])

    assert sandbox.get("/v2/account", new["access_token"]).status_code == 200


def test_a_refresh_needs_the_client_that_the_token_was_given_to(sandbox: Sandbox) -> None:
    sandbox.register_client("other", "other-secret")
    refresh_token = sandbox.connect()["refresh_token"]

    bare = requests.post(
        f"{sandbox.oauth_url}/token",
        data={"grant_type": "refresh_token", "refresh_token": refresh_token},
        timeout=10,
    )
    foreign = sandbox.token(
        grant_type="refresh_token", refresh_token=refresh_token, client_id="other", client_secret="other-secret"
    )

    assert_refused(bare, "invalid_client", 401)
    assert_refused(foreign, "invalid_grant")
    assert sandbox.refresh(refresh_token).ok


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "dor_v1_nonsense"}, "invalid_grant"),
        ({"grant_type": "authorization_code", "redirect_uri": CALLBACK}, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "nonsense"}, "invalid_request"),
    ],
)
def test_errors_are_those_of_the_rfc(sandbox: Sandbox, fields: dict[str, str], error: str) -> None:
    assert_refused(sandbox.token(**fields), error)


def test_an_access_token_expires(sandbox: Sandbox) -> None:
    sandbox.settings(token_lifetime=1)
    found = sandbox.connect()
    assert found["expires_in"] == 1

    time.sleep(1.1)

    assert sandbox.get("/v2/account", found["access_token"]).status_code == 401
    assert sandbox.refresh(found["refresh_token"]).ok


def test_a_new_grant_leaves_older_ones_alone_unless_switched(sandbox: Sandbox) -> None:
    first, elsewhere = sandbox.connect(team="Acme Web"), sandbox.connect(team="Northwind")
    sandbox.connect(team="Acme Web")
    assert sandbox.get("/v2/account", first["access_token"]).ok

    sandbox.settings(new_grant_kills_older=True)
    sandbox.connect(team="Acme Web")

    assert sandbox.get("/v2/account", first["access_token"]).status_code == 401
    assert_refused(sandbox.refresh(first["refresh_token"]), "invalid_grant")
    assert sandbox.get("/v2/account", elsewhere["access_token"]).ok


def test_an_access_token_outlives_a_refresh_when_switched(sandbox: Sandbox) -> None:
    sandbox.settings(access_outlives_refresh=True)
    old = sandbox.connect()

    sandbox.refresh(old["refresh_token"])

    assert sandbox.get("/v2/account", old["access_token"]).ok


@pytest.mark.parametrize("field", ["scope", "refresh_token", "expires_in", "info"])
def test_a_field_of_the_answer_can_be_left_out(sandbox: Sandbox, field: str) -> None:
    sandbox.settings(**{f"{field}_in_answer": False})

    assert field not in sandbox.connect()


def test_the_token_endpoint_takes_only_post(sandbox: Sandbox) -> None:
    assert requests.get(f"{sandbox.oauth_url}/token", timeout=10).status_code == 405
