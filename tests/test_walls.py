"""The walls between the apps; the contracts are in pyproject.toml."""

from __future__ import annotations

import sys

from tests.support.programs import run

LINT = "from importlinter.cli import lint_imports_command as lint; lint()"


def test_no_wall_is_broken() -> None:
    found = run([sys.executable, "-c", LINT, "--no-logo", "--no-cache"], {})

    assert found.returncode == 0, found.stdout + found.stderr
    assert "0 broken" in found.stdout
