"""What can be changed while the sandbox runs, over `POST /_sandbox/settings`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from sandbox.options import Options


@dataclass(frozen=True, slots=True)
class Settings:
    """Behaviour, not world: it does not outlive the process, and a reset brings back what the start said.

    latency_ms: milliseconds that every answer of the API and the token endpoint takes longer.
    token_lifetime: seconds that an access token issued from now on lives.
    burst_limit, hourly_limit: requests a token may make in 60 s and in 3,600 s; 0 is no limit.
    action_seconds: how long an action such as power_on takes that is begun from now on; others take more or less.
    actions_fail: actions that are begun from now on end errored, without effect.
    The rest are switches for what DigitalOcean's documentation leaves open; each is described in README.md.
    """

    latency_ms: int = 0
    token_lifetime: int = 2_592_000
    burst_limit: int = 250
    hourly_limit: int = 5_000
    action_seconds: int = 4
    actions_fail: bool = False
    new_grant_kills_older: bool = False
    revoke_kills_siblings: bool = False
    access_outlives_refresh: bool = False
    scope_in_answer: bool = True
    refresh_token_in_answer: bool = True
    expires_in_in_answer: bool = True
    info_in_answer: bool = True

    @classmethod
    def at_start(cls, options: Options) -> Settings:
        """The settings that a sandbox starts with."""
        return cls(latency_ms=options.latency_ms, token_lifetime=options.token_lifetime)

    def changed(self, values: dict[str, Any]) -> Settings:
        """These settings with some of them changed. Raises ValueError with a sentence for an unknown or odd one."""
        kinds = {each.name: type(getattr(self, each.name)) for each in fields(self)}
        for name, value in values.items():
            if name not in kinds:
                raise ValueError(f"there is no setting {name!r}; there are {', '.join(kinds)}")
            if type(value) is not kinds[name] or (kinds[name] is int and value < 0):
                wanted = "true or false" if kinds[name] is bool else "a whole number, not below zero"
                raise ValueError(f"{name} must be {wanted}")
        return replace(self, **values)

    def as_json(self) -> dict[str, Any]:
        """For the control API."""
        return asdict(self)
