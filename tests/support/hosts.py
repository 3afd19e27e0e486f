"""The files of deploy/ and the Dockerfile, and a place where their commands run as on a host or in the image."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from tests.support.programs import DEPLOYED, PROJECT

DEPLOY = PROJECT / "deploy"


def tracked() -> list[str]:
    """The project's files, as a clone has them."""
    listed = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.splitlines() if (PROJECT / name).is_file()]


def is_ignored(name: str) -> bool:
    """Whether .dockerignore leaves this file out. It knows the few forms of patterns that the file uses."""
    for line in (PROJECT / ".dockerignore").read_text().splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        anywhere = pattern.startswith("**/")
        parts = name.split("/")
        candidates = parts if anywhere else ["/".join(parts[: at + 1]) for at in range(len(parts))]
        if any(fnmatch(each, pattern.removeprefix("**/").strip("/")) and "/" not in each for each in candidates):
            return True
    return False


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's, each as its name and the rest."""
    lines = [line for line in (PROJECT / "Dockerfile").read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1].strip()) for line in joined.splitlines() if line.strip()]


def of_kind(kind: str) -> list[str]:
    return [rest for name, rest in instructions() if name == kind]


def image_variables() -> dict[str, str]:
    """The ENV of the last stage."""
    return dict(pair.split("=", 1) for pair in shlex.split(of_kind("ENV")[-1]))


def exec_form(text: str) -> list[str]:
    """A CMD's words."""
    words: list[str] = json.loads(text[text.index("[") :])
    return words


def unit(name: str) -> dict[str, list[str]]:
    """The settings of a systemd unit, each with all its values."""
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / "systemd" / name).read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            found.setdefault(key, []).append(value)
    return found


class Place:
    """/srv and /var/lib/conveyor of a host or a container, in a directory, with the Python of the tests."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.project = root / "srv" / "conveyor"
        for name in tracked():
            if not is_ignored(name):
                target = self.project / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(PROJECT / name, target)
        (root / "var" / "lib" / "conveyor").mkdir(parents=True)

    def moved(self, text: str) -> str:
        """A command or a value with the paths of this place."""
        for path in ("/srv/conveyor/.venv/bin", "/srv/venv/bin"):
            text = text.replace(path, os.path.dirname(sys.executable))
        return re.sub(r"(?<![\w.])/(srv|var/lib/conveyor)\b", rf"{self.root}/\1", text)

    def variables(self, given: Mapping[str, str]) -> dict[str, str]:
        """An environment with nothing in it but these variables, the keys of a host and a PATH."""
        moved = {name: self.moved(value) for name, value in given.items()}
        path = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
        return {**DEPLOYED, "ENV_FILE": "", "HOME": "/nonexistent", "TRUSTED_PROXIES": "1", **moved, "PATH": path}

    def run(self, words: list[str], given: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.moved(word) for word in words],
            cwd=self.project,
            env=self.variables(given),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    @contextmanager
    def running(self, words: list[str], given: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
        """A program that goes on until the block ends; its output is in `log`."""
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [self.moved(word) for word in words],
                cwd=self.project,
                env=self.variables(given),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(60)

    def has_messages(self) -> bool:
        """Whether the scheduler has sent something that no worker has taken yet."""
        return any((self.root / "var" / "lib" / "conveyor" / "queue").glob("*.msg"))

    def files(self) -> set[str]:
        return {str(path.relative_to(self.root)) for path in (self.root / "srv").rglob("*")}


def in_path(program: str) -> Any:
    """The path of a program that may be missing, for pytest.mark.skipif."""
    return shutil.which(program)
