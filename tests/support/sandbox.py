"""The sandbox as tests use it: a process of its own, with its control API and with the calls of an application.

sandbox = Sandbox.start(state=tmp_path / "sandbox.sqlite3")
callback = sandbox.authorize(url, user="ada", team="Northwind")
sandbox.fault("hang", path="/v2/droplets", seconds=30, times=1)
...
sandbox.stop()
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from tests.support.consent import ConsentForm
from tests.support.sandbox_control import SandboxControl
from tests.support.sandbox_process import CLIENT_ID, CLIENT_SECRET, PROJECT, TIMEOUT, request
from tests.support.sandbox_rows import Grant

__all__ = ["CALLBACK", "CLIENT_ID", "CLIENT_SECRET", "PROJECT", "Grant", "NotAuthorized", "Sandbox"]

CALLBACK = "http://127.0.0.1:8000/accounts/digitalocean/login/callback/"


class NotAuthorized(Exception):
    """The sandbox showed its error page instead of redirecting to the callback."""


class Sandbox(SandboxControl):
    """A running sandbox: the consent page as a browser uses it, OAuth and the API as an application does."""

    def authorize(self, url: str, *, user: str = "ada", team: str | None = None, decision: str = "authorize") -> str:
        """Use the consent page that `url` shows. Returns the URL of the callback, which is not requested.

        Without `team` it chooses the user's first team, if any. Raises NotAuthorized for an error page.
        """
        person = self.user(user)
        if "prompt=none" not in url:
            url = f"{url}&{urlencode({'user': person.uuid})}"
        page = self.browser.get(url, allow_redirects=False, timeout=TIMEOUT)
        if page.status_code == 302:
            return page.headers["Location"]
        _expect_page(page)
        form = ConsentForm()
        form.feed(page.text)
        fields = dict(form.fields)
        if team is not None:
            fields["team"] = self.team(team).uuid if team else ""
        answer = self.browser.post(
            f"{self.url}{form.action}",
            data={**fields, "user": person.uuid, "decision": decision},
            allow_redirects=False,
            timeout=TIMEOUT,
        )
        if answer.status_code != 302:
            _expect_page(answer)
            raise NotAuthorized(answer.text)
        return answer.headers["Location"]

    def authorize_url(self, *, redirect_uri: str = CALLBACK, scope: str | None = "read", **more: str) -> str:
        """The URL that an application redirects the browser to."""
        query = {
            "client_id": CLIENT_ID,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "state": "a-state",
        }
        if scope is not None:
            query["scope"] = scope
        return f"{self.oauth_url}/authorize?{urlencode(query | more)}"

    def code(
        self, *, user: str = "ada", team: str | None = None, redirect_uri: str = CALLBACK, scope: str = "read",
        **more: str,
    ) -> str:  # fmt: skip
        """An authorization code, as the callback receives it."""
        url = self.authorize_url(redirect_uri=redirect_uri, scope=scope, **more)
        callback = self.authorize(url, user=user, team=team)
        return parse_qs(urlsplit(callback).query)["code"][0]

    def token(self, **fields: str) -> requests.Response:
        """POST to the token endpoint, as the registered client unless `fields` say otherwise."""
        data = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **fields}
        return request("POST", f"{self.oauth_url}/token", data=data)

    def connect(self, *, user: str = "ada", team: str | None = None, scope: str = "read") -> dict[str, Any]:
        """Authorize and exchange the code. Returns the token endpoint's response."""
        code = self.code(user=user, team=team, scope=scope)
        answer = self.token(grant_type="authorization_code", code=code, redirect_uri=CALLBACK)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def refresh(self, refresh_token: str) -> requests.Response:
        """Use a refresh token."""
        return self.token(grant_type="refresh_token", refresh_token=refresh_token)

    def get(self, path: str, token: str | None = None, **parameters: Any) -> requests.Response:
        """GET a path of the API, such as "/v2/droplets", without following redirects."""
        return request("GET", f"{self.url}{path}", params=parameters, headers=_bearer(token))

    def post(self, path: str, token: str | None = None, body: Any = None) -> requests.Response:
        """POST a JSON body to a path of the API."""
        return request("POST", f"{self.url}{path}", json=body, headers=_bearer(token))

    def delete(self, path: str, token: str | None = None) -> requests.Response:
        """DELETE a path of the API."""
        return request("DELETE", f"{self.url}{path}", headers=_bearer(token))

    def act(self, droplet: int, token: str, type: str, **parameters: Any) -> requests.Response:
        """Request an action on a droplet."""
        return self.post(f"/v2/droplets/{droplet}/actions", token, {"type": type, **parameters})


def _bearer(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def _expect_page(answer: requests.Response) -> None:
    if answer.status_code != 200:
        raise NotAuthorized(f"{answer.status_code}: {answer.text}")
