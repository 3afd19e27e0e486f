"""Every environment variable is documented, and no other."""

from __future__ import annotations

import ast
import re

import pytest

from tests.support.programs import PROJECT

READERS = ("conveyor/settings.py", "conveyor/devserver.py", "gunicorn.conf.py")


def read_variables() -> set[str]:
    """The variables that are read, as in `env.flag("DEBUG")`, in all files that read the environment."""
    found = set()
    for path in READERS:
        for node in ast.walk(ast.parse((PROJECT / path).read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="env" | "_env")), args=[ast.Constant(value=str(name)), *_]
                ):
                    found.add(name)
    return found


def test_the_variables_are_found() -> None:
    assert {"SECRET_KEY", "PORT", "SANDBOX_PORT", "WEB_CONCURRENCY"} <= read_variables()


@pytest.mark.parametrize(
    ("path", "pattern"),
    [(".env.example", r"^#([A-Z_]+)=(?:.*)$"), ("README.md", r"^\| `([A-Z_]+)` \|")],
)
def test_every_variable_is_documented_and_no_other(path: str, pattern: str) -> None:
    documented = re.findall(pattern, (PROJECT / path).read_text(), re.MULTILINE)

    assert sorted(documented) == sorted(read_variables())


def security_rows() -> list[tuple[str, str, str]]:
    """The rows of docs/security.md: what is asked, its state, and the test or the reason."""
    lines = (PROJECT / "docs" / "security.md").read_text().splitlines()
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines if line.startswith("| ")]
    return [row for row in rows if len(row) == 3 and row[1] not in ("State", "---")]


@pytest.mark.parametrize("row", security_rows(), ids=lambda row: row[0][:60])
def test_the_security_page_names_tests_that_exist(row: tuple[str, str, str]) -> None:
    _, state, where = row
    assert state in ("met", "not met", "n/a")
    named = re.findall(r"`(tests/[^`]+)`", where)
    assert named or state != "met"
    for name in named:
        path, *parts = name.split("::")
        text = (PROJECT / path).read_text()
        assert all(re.search(rf"(?:def|class) {part}\b", text) for part in parts), name
