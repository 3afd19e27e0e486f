"""The sandbox's control API (sandbox/README.md): people, droplets, faults, time and counters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.sandbox_process import SandboxProcess, new_session
from tests.support.sandbox_rows import Counters, Grant, Pair, RequestedAction, Team, User


class SandboxControl(SandboxProcess):
    """A running sandbox with its control API. Users are named by first name, email or uuid; teams by name or uuid."""

    def __init__(self, state: Path | str, options: Sequence[str]) -> None:
        """Use `start`."""
        super().__init__(state, options)
        self._people: tuple[list[User], list[Team]] | None = None
        self.browser = new_session()

    def reset(self, **wanted: Any) -> None:
        """Start again with new data. Takes droplets, teams, seed, keep_clients and every setting."""
        self._control("POST", "reset", wanted)
        self._people = None
        self.browser = new_session()

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Change settings (README.md of the sandbox lists them). Returns all of them."""
        found: dict[str, Any] = self._control("POST", "settings", changes)
        return found

    def users(self) -> list[User]:
        """Every user."""
        return self._users_and_teams()[0]

    def teams(self) -> list[Team]:
        """Every team, with how many droplets it has now."""
        self._people = None
        return self._users_and_teams()[1]

    def user(self, who: str) -> User:
        """One user, by first name, email or uuid. Raises LookupError."""
        for user in self.users():
            if who in (user.uuid, user.email) or who.lower() == user.name.lower().split()[0]:
                return user
        raise LookupError(f"no user is called {who!r}")

    def team(self, which: str) -> Team:
        """One team, by name or uuid. Raises LookupError."""
        for team in self._users_and_teams()[1]:
            if which in (team.uuid, team.name):
                return team
        raise LookupError(f"no team is called {which!r}")

    def add_user(self, name: str, email: str, *teams: str) -> User:
        """Add a user who is a member of these teams (by name)."""
        uuid = self._control("POST", "people", {"name": name, "email": email})["user"]
        for team in teams:
            self._control("POST", "account", {"user": uuid, "team": team})
        self._people = None
        return self.user(uuid)

    def account(self, user: str, **changes: str) -> None:
        """Change a user's `status` (active, warning, locked), `status_message` or `email`, or add them to `team`."""
        self._control("POST", "account", {"user": self.user(user).uuid, **changes})
        self._people = None

    def rename_team(self, team: str, name: str) -> None:
        """Rename a team: /v2/account and the token endpoint then answer with the new name."""
        self._control("POST", f"teams/{self.team(team).uuid}", {"name": name})
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

    def register_client(
        self, client_id: str, client_secret: str, redirect_uris: Sequence[str] = (), name: str | None = None
    ) -> None:
        """Register another OAuth client. Its name on the consent page is its id by default."""
        body = {"client_id": client_id, "client_secret": client_secret, "redirect_uris": list(redirect_uris)}
        body |= {"name": name} if name else {}
        self._control("POST", "clients", body)

    def fault(self, kind: str, *, path: str = "", **more: Any) -> int:
        """Add a fault for paths that match the regular expression `path`. Returns its id.

        `more`: method, grant_type, team (name or uuid), page, type, times, skip, phase, and the parameters of the kind.
        """
        if more.get("team"):
            more["team"] = self.team(more["team"]).uuid
        return int(self._control("POST", "faults", {"kind": kind, "path": path, **more})["id"])

    def faults(self) -> list[dict[str, Any]]:
        """All faults, with `seen` and `hits`."""
        found: list[dict[str, Any]] = self._control("GET", "faults")
        return found

    def hits(self, fault: int) -> int:
        """How many requests a fault was applied to."""
        return next(int(each["hits"]) for each in self.faults() if each["id"] == fault)

    def clear_faults(self, fault: int | None = None) -> None:
        """Remove one fault, or all."""
        self._control("DELETE", "faults" if fault is None else f"faults/{fault}")

    def expire(self, *, team: str | None = None, user: str | None = None) -> int:
        """Let access tokens expire now; refresh tokens stay valid. Returns how many expired."""
        return int(self._control("POST", "expire", self._filter(team, user))["expired"])

    def revoke(self, *, team: str | None = None, user: str | None = None) -> int:
        """Revoke grants as the user would in the control panel. Returns how many."""
        return int(self._control("POST", "revoke", self._filter(team, user))["revoked"])

    def forward(self, seconds: float) -> float:
        """Move the sandbox's clock ahead, which completes due actions. Tokens do not expire by it.

        Returns the clock's new time in seconds since the epoch.
        """
        return float(self._control("POST", "clock", {"forward": seconds})["now"])

    def end_action(self, action_id: int, status: str = "completed") -> None:
        """End an action that is in progress, as `completed` or `errored`."""
        self._control("POST", f"actions/{action_id}", {"status": status})

    def counters(self) -> Counters:
        """Counters since the start, the last reset or the last `reset_counters`."""
        found = self._control("GET", "counters")
        for name in ("refreshes", "refreshes_at_once_max"):
            found[name] = {int(grant): count for grant, count in found[name].items()}
        return Counters(**found)

    def reset_counters(self) -> None:
        """Set all counters to zero."""
        self._control("POST", "counters/reset", {})

    def ledger(self) -> list[Grant]:
        """Every grant with its latest pair, oldest first."""
        return [Grant(**row) for row in self._control("GET", "ledger")]

    def pairs(self) -> list[Pair]:
        """Every pair ever issued, oldest first."""
        return [Pair(**row) for row in self._control("GET", "pairs")]

    def live_grants(self) -> list[Grant]:
        """The grants that still work, now or after a refresh."""
        return [grant for grant in self.ledger() if grant.access_live or grant.refresh_live]

    def actions(self, droplet: int | None = None, type: str | None = None) -> list[RequestedAction]:
        """The actions that took effect since the last reset, oldest first; of one droplet or type if given."""
        found = [RequestedAction(**row) for row in self._control("GET", "actions")]
        return [each for each in found if droplet in (None, each.droplet_id) and type in (None, each.type)]

    def recent_requests(self) -> list[dict[str, Any]]:
        """The last thousand requests: method, path, status, fault, request_id."""
        found: list[dict[str, Any]] = self._control("GET", "requests")
        return found

    def _users_and_teams(self) -> tuple[list[User], list[Team]]:
        if self._people is None:
            found = self._control("GET", "teams")
            self._people = (
                [User(**each) for each in found["users"]],
                [Team(**each) for each in found["teams"]],
            )
        return self._people

    def _filter(self, team: str | None, user: str | None) -> dict[str, str]:
        found = {"team": None if team is None else self.team(team).uuid if team else ""}
        found["user"] = None if user is None else self.user(user).uuid
        return {name: value for name, value in found.items() if value is not None}
