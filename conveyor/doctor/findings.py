"""What a check of `manage.py doctor` found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from common.exit_codes import ExitCode


class Level(StrEnum):
    OK = "ok"
    NOTE = "note"
    """Works, but look at it."""
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """`text` says what is, `advice` what to do. `code` is how a problem ends the command."""

    name: str
    level: Level
    text: str
    advice: str = ""
    code: ExitCode = ExitCode.DONE


Check = Callable[[], Iterator[Finding]]


def ok(name: str, text: str) -> Finding:
    return Finding(name, Level.OK, text)


def note(name: str, text: str, advice: str) -> Finding:
    return Finding(name, Level.NOTE, text, advice)


def unavailable(name: str, text: str, advice: str) -> Finding:
    """Something that Conveyor needs does not answer."""
    return Finding(name, Level.PROBLEM, text, advice, ExitCode.UNAVAILABLE)


def misconfigured(name: str, text: str, advice: str) -> Finding:
    """A setting is wrong, or a step of the set-up is missing."""
    return Finding(name, Level.PROBLEM, text, advice, ExitCode.CONFIGURATION)


def refused(name: str, text: str, advice: str) -> Finding:
    """DigitalOcean does not accept Conveyor's credentials."""
    return Finding(name, Level.PROBLEM, text, advice, ExitCode.CREDENTIALS)


def run(name: str, check: Check) -> Iterator[Finding]:
    """What a check found. An exception is a finding too, with its class alone: its text may hold a secret."""
    try:
        yield from check()
    except Exception as error:
        yield unavailable(name, f"The check failed ({type(error).__name__}).", "Look at the findings above.")


_ORDER = (ExitCode.CREDENTIALS, ExitCode.CONFIGURATION, ExitCode.UNAVAILABLE)


def exit_code(findings: list[Finding]) -> ExitCode:
    """Of several problems, the one that needs a person most."""
    found = {finding.code for finding in findings}
    return next((code for code in _ORDER if code in found), ExitCode.DONE)
