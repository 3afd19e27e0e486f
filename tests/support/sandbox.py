"""The sandbox as tests use it: a process of its own, steered by small methods.

    sandbox = Sandbox.start(state=tmp_path / "sandbox.sqlite3")
    callback = sandbox.authorize(url, user="ada", team="Northwind")
    sandbox.fault("hang", path="/v2/droplets", seconds=30, times=1)
    ...
    sandbox.stop()

Users are named by first name, e-mail address or uuid; teams by name or uuid.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from tests.support.consent import ConsentForm
from tests.support.sandbox_rows import Acted, Counters, Grant, Team, User

PROJECT = Path(__file__).resolve().parents[2]
READY = "Sandbox listens on "
TIMEOUT = 30.0  # seconds, for control calls and the consent page
CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-secret"
CALLBACK = "http://127.0.0.1:8000/accounts/digitalocean/login/callback/"


class NotStarted(Exception):
    """The sandbox did not come up. The text is what it printed."""


class NotAuthorized(Exception):
    """The sandbox showed its own error page instead of coming back."""


class Sandbox:
    """A running sandbox. `url` is its address, without a slash at the end."""

    def __init__(self, state: Path | str, options: Sequence[str]) -> None:
        """Use `start`."""
        self._state = str(state)
        self._options = list(options)
        self._process: subprocess.Popen[str] | None = None
        self._people: tuple[list[User], list[Team]] | None = None
        self.browser = _browser()
        self.url = ""

    @classmethod
    def start(cls, *, state: Path | str = ":memory:", options: Sequence[str] = ()) -> Self:
        """Start a sandbox on a free port and wait until it listens. Raises NotStarted."""
        sandbox = cls(state, options)
        sandbox._launch(0)
        return sandbox

    def _launch(self, port: int) -> None:
        command = [
            sys.executable,
            "-m",
            "sandbox",
            "--port",
            str(port),
            "--state",
            self._state,
            *self._options,
        ]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith(READY):
            process.kill()
            raise NotStarted(line or "The sandbox ended at once; its own words are above.")
        self._process = process
        self.url = line.removeprefix(READY).strip()

    def stop(self) -> None:
        """Stop it. Doing so twice is fine."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait(timeout=TIMEOUT)
            if process.stdout is not None:
                process.stdout.close()

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=TIMEOUT)

    def restart(self) -> None:
        """Stop it and start it again on the same port, with what its state file holds."""
        port = urlsplit(self.url).port or 0
        self.stop()
        self._launch(port)

    @property
    def pid(self) -> int:
        """The process id, while it runs."""
        assert self._process is not None
        return self._process.pid

    # Addresses and credentials, as an application is configured with them

    @property
    def oauth_url(self) -> str:
        """What stands for https://cloud.digitalocean.com/v1/oauth."""
        return f"{self.url}/v1/oauth"

    @property
    def api_url(self) -> str:
        """What stands for https://api.digitalocean.com/v2."""
        return f"{self.url}/v2"

    @property
    def client_id(self) -> str:
        """The registered application's id."""
        return CLIENT_ID

    @property
    def client_secret(self) -> str:
        """The registered application's secret."""
        return CLIENT_SECRET

    # The world

    def reset(self, **wanted: Any) -> None:
        """A fresh world. Takes droplets, teams, seed, keep_clients and every setting."""
        self._control("POST", "reset", wanted)
        self._people = None
        self.browser = _browser()

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Change settings (README.md of the sandbox lists them). Returns all of them."""
        found: dict[str, Any] = self._control("POST", "settings", changes)
        return found

    def users(self) -> list[User]:
        """Everybody."""
        return self._cast()[0]

    def teams(self) -> list[Team]:
        """Every team, with how many droplets it has now."""
        self._people = None
        return self._cast()[1]

    def user(self, who: str) -> User:
        """One person, by first name, e-mail address or uuid."""
        for user in self.users():
            if who in (user.uuid, user.email) or who.lower() == user.name.lower().split()[0]:
                return user
        raise LookupError(f"nobody is called {who!r}")

    def team(self, which: str) -> Team:
        """One team, by name or uuid."""
        for team in self._cast()[1]:
            if which in (team.uuid, team.name):
                return team
        raise LookupError(f"no team is called {which!r}")

    def add_user(self, name: str, email: str, *teams: str) -> User:
        """A further person, who is a member of these teams (by name)."""
        uuid = self._control("POST", "people", {"name": name, "email": email})["user"]
        for team in teams:
            self._control("POST", "account", {"user": uuid, "team": team})
        self._people = None
        return self.user(uuid)

    def account(self, user: str, **changes: str) -> None:
        """Change a user's `status` (active, warning, locked) or `email`, or make them a member of `team`."""
        self._control("POST", "account", {"user": self.user(user).uuid, **changes})
        self._people = None

    def droplets(
        self,
        team: str,
        *,
        count: int | None = None,
        add: int | None = None,
        remove: int | None = None,
        patch: Sequence[Mapping[str, Any]] = (),
        gpus: bool = False,
    ) -> None:
        """Change a team's droplets. A patch is {"index": 0, "set": {"name": …}, "remove": ["tags"]}."""
        wanted = {"count": count, "add": add, "remove": remove, "patch": list(patch), "gpus": gpus}
        uuid = self.team(team).uuid
        self._control("POST", f"teams/{uuid}/droplets", {k: v for k, v in wanted.items() if v is not None})
        self._people = None

    def register_client(self, client_id: str, client_secret: str, redirect_uris: Sequence[str] = ()) -> None:
        """Register a further OAuth application."""
        body = {"client_id": client_id, "client_secret": client_secret, "redirect_uris": list(redirect_uris)}
        self._control("POST", "clients", body)

    # Trouble

    def fault(self, kind: str, *, path: str = "", **more: Any) -> int:
        """Arrange a fault on the paths that the regular expression `path` finds. Returns its id.

        `more`: method, grant_type, team (name or uuid), page, type; times, skip, phase; and what the kind takes.
        """
        if more.get("team"):
            more["team"] = self.team(more["team"]).uuid
        return int(self._control("POST", "faults", {"kind": kind, "path": path, **more})["id"])

    def faults(self) -> list[dict[str, Any]]:
        """The arranged faults, with `seen` and `hits`."""
        found: list[dict[str, Any]] = self._control("GET", "faults")
        return found

    def hits(self, fault: int) -> int:
        """How many requests a fault has spoilt."""
        return next(int(each["hits"]) for each in self.faults() if each["id"] == fault)

    def clear_faults(self, fault: int | None = None) -> None:
        """Forget one fault, or all."""
        self._control("DELETE", "faults" if fault is None else f"faults/{fault}")

    def expire(self, *, team: str | None = None, user: str | None = None) -> int:
        """Let live access tokens expire now; refresh tokens live. Returns how many expired."""
        return int(self._control("POST", "expire", self._whose(team, user))["expired"])

    def revoke(self, *, team: str | None = None, user: str | None = None) -> int:
        """Revoke grants as the person would in the panel. Returns how many died."""
        return int(self._control("POST", "revoke", self._whose(team, user))["revoked"])

    # Time

    def forward(self, seconds: float) -> float:
        """Move the sandbox's clock ahead: what would be done by then is done. Tokens do not age.

        Returns what the clock says then, in seconds since the epoch.
        """
        return float(self._control("POST", "clock", {"forward": seconds})["now"])

    def end_action(self, action_id: int, status: str = "completed") -> None:
        """End an action that is under way, now: `completed` or `errored`."""
        self._control("POST", f"actions/{action_id}", {"status": status})

    # The books

    def counters(self) -> Counters:
        """What came in since the start, the last reset or the last `reset_counters`."""
        found = self._control("GET", "counters")
        for name in ("refreshes", "refreshes_at_once_max"):
            found[name] = {int(grant): count for grant, count in found[name].items()}
        return Counters(**found)

    def reset_counters(self) -> None:
        """All counts to zero."""
        self._control("POST", "counters/reset", {})

    def ledger(self) -> list[Grant]:
        """Every grant with its latest pair, oldest first."""
        return [Grant(**row) for row in self._control("GET", "ledger")]

    def live_grants(self) -> list[Grant]:
        """The grants that could still be used, now or after a refresh."""
        return [grant for grant in self.ledger() if grant.access_live or grant.refresh_live]

    def actions(self, droplet: int | None = None, type: str | None = None) -> list[Acted]:
        """The actions that reached the droplets since the start or the last reset, oldest first; of one, of a type."""
        found = [Acted(**row) for row in self._control("GET", "actions")]
        return [each for each in found if droplet in (None, each.droplet_id) and type in (None, each.type)]

    def recent_requests(self) -> list[dict[str, Any]]:
        """The last thousand requests: method, path, status, fault, request_id."""
        found: list[dict[str, Any]] = self._control("GET", "requests")
        return found

    # As a person at a browser, and as an application

    def authorize(self, url: str, *, user: str = "ada", team: str | None = None, decision: str = "authorize") -> str:
        """Walk the consent page that `url` shows. Returns the callback address, which is not followed.

        Without a team, the user's first one is taken, or none if there is none. Raises NotAuthorized when the
        sandbox shows an error page.
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
        """The address that an application would send the browser to."""
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
        """A code, as it arrives at the callback."""
        url = self.authorize_url(redirect_uri=redirect_uri, scope=scope, **more)
        callback = self.authorize(url, user=user, team=team)
        return parse_qs(urlsplit(callback).query)["code"][0]

    def token(self, **fields: str) -> requests.Response:
        """One POST to the token endpoint, as the registered application unless `fields` say otherwise."""
        data = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **fields}
        return _request("POST", f"{self.oauth_url}/token", data=data)

    def connect(self, *, user: str = "ada", team: str | None = None, scope: str = "read") -> dict[str, Any]:
        """Authorize and exchange the code. Returns the token endpoint's answer."""
        code = self.code(user=user, team=team, scope=scope)
        answer = self.token(grant_type="authorization_code", code=code, redirect_uri=CALLBACK)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def refresh(self, refresh_token: str) -> requests.Response:
        """Spend a refresh token."""
        return self.token(grant_type="refresh_token", refresh_token=refresh_token)

    def get(self, path: str, token: str | None = None, **parameters: Any) -> requests.Response:
        """GET a path of the API, such as "/v2/droplets", without following redirects."""
        return _request("GET", f"{self.url}{path}", params=parameters, headers=_bearer(token))

    def post(self, path: str, token: str | None = None, body: Any = None) -> requests.Response:
        """POST a JSON body to a path of the API."""
        return _request("POST", f"{self.url}{path}", json=body, headers=_bearer(token))

    def delete(
        self, path: str, token: str | None = None, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        """DELETE a path of the API."""
        return _request("DELETE", f"{self.url}{path}", json=body, headers=_bearer(token) | dict(headers or {}))

    def act(self, droplet: int, token: str, type: str, **asked: Any) -> requests.Response:
        """Ask for an action on a droplet."""
        return self.post(f"/v2/droplets/{droplet}/actions", token, {"type": type, **asked})

    # Within

    def _control(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        answer = _request(method, f"{self.url}/_sandbox/{path}", json=body)
        if not answer.ok:
            raise ValueError(answer.json()["message"])
        return answer.json()

    def _cast(self) -> tuple[list[User], list[Team]]:
        if self._people is None:
            found = self._control("GET", "teams")
            self._people = (
                [User(**each) for each in found["users"]],
                [Team(**each) for each in found["teams"]],
            )
        return self._people

    def _whose(self, team: str | None, user: str | None) -> dict[str, str]:
        found = {"team": None if team is None else self.team(team).uuid if team else ""}
        found["user"] = None if user is None else self.user(user).uuid
        return {name: value for name, value in found.items() if value is not None}


def _bearer(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def _browser() -> requests.Session:
    """A session that minds neither proxies nor ~/.netrc: the sandbox is on this machine."""
    session = requests.Session()
    session.trust_env = False
    return session


def _request(method: str, url: str, **more: Any) -> requests.Response:
    """One request in a session of its own, so that threads may share a Sandbox."""
    with _browser() as session:
        return session.request(method, url, timeout=TIMEOUT, allow_redirects=False, **more)


def _expect_page(answer: requests.Response) -> None:
    if answer.status_code != 200:
        raise NotAuthorized(f"{answer.status_code}: {answer.text}")
