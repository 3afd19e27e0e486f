"""What can be changed while the sandbox runs, over `POST /_sandbox/settings`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from sandbox.options import Options


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings end with the process. A reset returns them to the values of the command line.

    latency_ms: milliseconds added to every response of the API and of the token endpoint.
    token_lifetime: seconds for which a newly issued access token works.
    burst_limit, hourly_limit: requests allowed per token in 60 s and in 3,600 s; 0 is no limit.
    action_seconds: how long a new action such as power_on takes; other types take more or less.
    actions_fail: new actions end as errored, without effect.
    The others are switches for what DigitalOcean's documentation leaves open; README.md describes each.
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
        """A copy with some settings changed. Raises ValueError for an unknown name or an invalid value."""
        kinds = {each.name: type(getattr(self, each.name)) for each in fields(self)}
        for name, value in values.items():
            if name not in kinds:
                raise ValueError(f"unknown setting {name!r}; known: {', '.join(kinds)}")
            if type(value) is not kinds[name] or (kinds[name] is int and value < 0):
                wanted = "true or false" if kinds[name] is bool else "a whole number, not below zero"
                raise ValueError(f"{name} must be {wanted}")
        return replace(self, **values)

    def as_json(self) -> dict[str, Any]:
        """For the control API."""
        return asdict(self)
