"""The consent page and the redirect to the application."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.support.sandbox import CALLBACK, NotAuthorized, Sandbox


def answer_in(callback: str) -> dict[str, str]:
    """The query parameters of the callback URL."""
    return {name: values[0] for name, values in parse_qs(urlsplit(callback).query).items()}


def test_it_redirects_with_a_code_and_the_state(sandbox: Sandbox) -> None:
    callback = sandbox.authorize(sandbox.authorize_url(state="s p/ä"))

    assert callback.startswith(CALLBACK + "?")
    assert answer_in(callback).keys() == {"code", "state"}
    assert answer_in(callback)["state"] == "s p/ä"


def test_the_page_says_what_it_is_and_asks_for_user_team_and_scope(sandbox: Sandbox) -> None:
    page = requests.get(sandbox.authorize_url(scope="read write droplet:read"), timeout=10)

    assert "This is not DigitalOcean" in page.text
    assert "Signed in as <strong>Ada Byron</strong>" in page.text
    for words in ("Acme Web", "Northwind", "Side projects", "Grace Hopper", "Linus Solo", "droplet:read"):
        assert words in page.text
    assert "Hopper Labs" not in page.text
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert requests.get(f"{sandbox.oauth_url}/sandbox.css", timeout=10).headers["Content-Type"].startswith("text/css")


def test_the_page_names_the_client(sandbox: Sandbox) -> None:
    sandbox.register_client("other", "other-secret", name="Fleet <Viewer>")
    page = requests.get(sandbox.authorize_url(), timeout=10).text
    other = requests.get(sandbox.authorize_url(client_id="other", user=sandbox.user("linus").uuid), timeout=10).text

    assert '<span class="client">Conveyor</span> asks for access to a team' in page
    assert '<span class="client">Fleet &lt;Viewer&gt;</span> asks for access to your account' in other


def test_the_page_escapes_what_it_was_sent(sandbox: Sandbox) -> None:
    page = requests.get(sandbox.authorize_url(state='"><script>alert(1)</script>'), timeout=10)

    assert "<script" not in page.text


def test_another_user_can_be_chosen(sandbox: Sandbox) -> None:
    page = requests.get(sandbox.authorize_url(user=sandbox.user("grace").uuid), timeout=10)

    assert "Signed in as <strong>Grace Hopper</strong>" in page.text
    assert "Hopper Labs" in page.text
    assert "Acme Web" not in page.text


def test_denying_redirects_with_access_denied(sandbox: Sandbox) -> None:
    callback = sandbox.authorize(sandbox.authorize_url(), decision="deny")

    assert answer_in(callback)["error"] == "access_denied"
    assert answer_in(callback)["error_description"]
    assert answer_in(callback)["state"] == "a-state"
    assert sandbox.ledger() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "nobody"},
        {"redirect_uri": "https://elsewhere.example/accounts/digitalocean/login/callback/"},
        {"redirect_uri": "http://127.0.0.1:8000/elsewhere/"},
        {"redirect_uri": CALLBACK + "?next=/"},
        {"redirect_uri": "http://x@127.0.0.1/accounts/digitalocean/login/callback/"},
        {"redirect_uri": "http://127.0.0.1:port/accounts/digitalocean/login/callback/"},
        {"redirect_uri": CALLBACK.replace("login", "lo\r\ngin")},
        {"scope": "read everything"},
        {"scope": "droplet:fly"},
    ],
)
def test_an_invalid_request_shows_an_error_page_and_is_not_redirected(sandbox: Sandbox, wrong: dict[str, str]) -> None:
    with pytest.raises(NotAuthorized, match=r"(?s)400: .*cannot be authorized"):
        sandbox.authorize(sandbox.authorize_url(**wrong))


def test_the_form_is_validated_like_the_page(sandbox: Sandbox) -> None:
    form = {"client_id": "sandbox-client", "redirect_uri": "https://elsewhere.example/", "decision": "authorize"}

    answer = requests.post(f"{sandbox.oauth_url}/authorize", data=form, allow_redirects=False, timeout=10)

    assert answer.status_code == 400


def test_a_registered_callback_must_match_to_the_letter(sandbox: Sandbox) -> None:
    sandbox.register_client("other", "other-secret", ["https://app.example/back"])

    good = sandbox.authorize(sandbox.authorize_url(client_id="other", redirect_uri="https://app.example/back"))

    assert good.startswith("https://app.example/back?code=")
    with pytest.raises(NotAuthorized):
        sandbox.authorize(sandbox.authorize_url(client_id="other", redirect_uri="https://app.example/back/"))


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": "abc", "code_challenge_method": "plain"}, "invalid_request"),
    ],
)
def test_errors_for_the_application_are_redirected(sandbox: Sandbox, wrong: dict[str, str], error: str) -> None:
    callback = sandbox.authorize(sandbox.authorize_url(**wrong))

    assert answer_in(callback)["error"] == error
    assert answer_in(callback)["state"] == "a-state"


def test_a_user_can_choose_their_own_teams_only(sandbox: Sandbox) -> None:
    with pytest.raises(NotAuthorized, match="cannot choose that team"):
        sandbox.code(user="grace", team="Acme Web")
    with pytest.raises(NotAuthorized, match="cannot choose that team"):
        sandbox.code(user="ada", team="")


def test_no_scope_means_read(sandbox: Sandbox) -> None:
    sandbox.authorize(sandbox.authorize_url(scope=None))

    code = answer_in(sandbox.authorize(sandbox.authorize_url(scope=None)))["code"]
    answer = sandbox.token(grant_type="authorization_code", code=code, redirect_uri=CALLBACK)

    assert answer.json()["scope"] == "read"


def test_prompt_none_needs_a_signed_in_user(sandbox: Sandbox) -> None:
    callback = sandbox.authorize(sandbox.authorize_url(prompt="none"))

    assert answer_in(callback)["error"] == "login_required"


def test_prompt_none_needs_an_earlier_consent(sandbox: Sandbox) -> None:
    sandbox.authorize(sandbox.authorize_url(), decision="deny")

    callback = sandbox.authorize(sandbox.authorize_url(prompt="none"))

    assert answer_in(callback)["error"] == "consent_required"


def test_prompt_none_redirects_at_once_after_consent(sandbox: Sandbox) -> None:
    sandbox.connect(team="Northwind")

    code = answer_in(sandbox.authorize(sandbox.authorize_url(prompt="none")))["code"]
    answer = sandbox.token(grant_type="authorization_code", code=code, redirect_uri=CALLBACK).json()

    assert answer["info"]["team_name"] == "Northwind"


def test_prompt_none_does_not_widen_a_consent(sandbox: Sandbox) -> None:
    sandbox.connect(scope="read")

    callback = sandbox.authorize(sandbox.authorize_url(prompt="none", scope="read write"))

    assert answer_in(callback)["error"] == "consent_required"


def test_prompt_none_does_not_use_a_revoked_consent(sandbox: Sandbox) -> None:
    sandbox.connect()
    sandbox.revoke()

    callback = sandbox.authorize(sandbox.authorize_url(prompt="none"))

    assert answer_in(callback)["error"] == "consent_required"
