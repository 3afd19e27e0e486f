"""Are the lock files up to date? Compares requirements*.in with requirements*.txt, without any package index.

`python -m tests.support.lock` prints what is wrong and exits with 1; `make lock` writes the lock files anew.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).resolve().parents[2]
FILES = (("requirements.in", "requirements.txt"), ("requirements-dev.in", "requirements-dev.txt"))


@dataclass(frozen=True)
class Locked:
    """One package of a lock file."""

    version: str
    hashes: int
    sources: frozenset[str]
    """The files that name it themselves, as uv writes it: "-r requirements.in" below "# via"."""


def read_sources(path: Path) -> dict[str, str]:
    """The packages that a file of top-level requirements names, and their pinned versions ("" where it pins none)."""
    found: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.partition("#")[0].strip()
        if text and not text.startswith("-"):
            requirement = Requirement(text)
            pins = [each.version for each in requirement.specifier if each.operator == "=="]
            found[canonicalize_name(requirement.name)] = pins[0] if len(pins) == 1 else ""
    return found


def read_lock(path: Path) -> dict[str, Locked]:
    """The packages of a lock file that `uv pip compile` wrote."""
    found: dict[str, Locked] = {}
    for block in re.split(r"^(?=[A-Za-z0-9])", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        requirement = Requirement(block.partition("\\")[0].splitlines()[0].strip())
        found[canonicalize_name(requirement.name)] = Locked(
            version=str(requirement.specifier).removeprefix("=="),
            hashes=block.count("--hash=sha256:"),
            sources=frozenset(re.findall(r"-r (\S+)", block)),
        )
    return found


def problems(directory: Path = PROJECT) -> list[str]:
    """What `make lock` would change, and what no lock file may hold; empty if all is well."""
    found = []
    for source, target in FILES:
        wanted, locked = read_sources(directory / source), read_lock(directory / target)
        for name, version in wanted.items():
            if not version:
                found.append(f"{source}: {name} is not pinned with ==")
            elif name not in locked:
                found.append(f"{target}: {name} is missing")
            elif locked[name].version != version:
                found.append(f"{target}: {name} is {locked[name].version}, but {source} says {version}")
        named = {name for name, each in locked.items() if source in each.sources}
        found += [f"{target}: {name} is no longer in {source}" for name in sorted(named - wanted.keys())]
        found += [f"{target}: {name} has no hash" for name, each in sorted(locked.items()) if not each.hashes]
    runtime, everything = (read_lock(directory / target) for _, target in FILES)
    for name, each in runtime.items():
        if name not in everything or everything[name].version != each.version:
            found.append(f"requirements-dev.txt: {name} differs from requirements.txt ({each.version})")
    return found


if __name__ == "__main__":
    found = problems()
    for line in found:
        print(line, file=sys.stderr)
    if found:
        sys.exit("The lock files are out of date: run `make lock` and commit what it writes.")
