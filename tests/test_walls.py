"""The rules of structure: who imports whom, and how long and how complex code may be (CONTRIBUTING.md lists them)."""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.support.programs import PROJECT, run

LINT = "from importlinter.cli import lint_imports_command as lint; lint()"
PRODUCT = ("accounts", "common", "conveyor", "digitalocean_client", "droplets")
EVERYTHING = (*PRODUCT, "sandbox")
LONGEST_FILE, LONGEST_FUNCTION = 300, 50
BY_CONVENTION = {"Command"}
"""Class names that Django prescribes: those of management commands."""

Trees = dict[Path, ast.Module]


@cache
def trees(*folders: str) -> Trees:
    """The syntax tree of each Python file below these folders, by its path in the project; no migrations."""
    paths = (path.relative_to(PROJECT) for folder in folders for path in sorted((PROJECT / folder).rglob("*.py")))
    return {
        path: ast.parse((PROJECT / path).read_text(encoding="utf-8"))
        for path in paths
        if "migrations" not in path.parts
    }


def module_of(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def imported_modules(path: Path, tree: ast.Module, modules: dict[str, Path]) -> Iterator[Path]:
    """The files of ours that a file imports, wherever in it the import stands."""
    package = path.parent.parts
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parts = list(package[: len(package) - node.level + 1]) if node.level else []
            base = ".".join([*parts, *([node.module] if node.module else [])])
            names = [f"{base}.{alias.name}" if f"{base}.{alias.name}" in modules else base for alias in node.names]
        yield from (modules[name] for name in names if name in modules)


def find_circle(files: Trees) -> list[str]:
    """A circle of imports between folders, as the list of its nodes; empty if there is none.

    A folder is one node. If a folder has folders below it, each module directly in it is a node of its own: Django
    wants models.py, the lowest module of an app, and urls.py, the highest, in the same folder.
    """
    modules = {module_of(path): path for path in files}
    parents = {parent for path in files for parent in path.parent.parents}

    def node(path: Path) -> str:
        return str(path if path.parent in parents else path.parent)

    graph: dict[str, set[str]] = defaultdict(set)
    for path, tree in files.items():
        graph[node(path)] |= {node(other) for other in imported_modules(path, tree, modules)} - {node(path)}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_imports_keep_the_contracts_of_pyproject() -> None:
    found = run([sys.executable, "-c", LINT, "--no-logo", "--no-cache"], {})

    assert found.returncode == 0, found.stdout + found.stderr
    assert "0 broken" in found.stdout


@pytest.mark.parametrize("folder", EVERYTHING)
def test_no_folder_imports_in_a_circle(folder: str) -> None:
    assert find_circle(trees(folder)) == []


def test_no_folder_of_the_product_imports_in_a_circle() -> None:
    assert find_circle(trees(*PRODUCT)) == []


def test_a_circle_is_found() -> None:
    files = {
        Path("app/one/a.py"): ast.parse("from app.two import b"),
        Path("app/two/b.py"): ast.parse("def f():\n    from ..one.c import x"),
        Path("app/one/c.py"): ast.parse(""),
    }

    assert sorted(set(find_circle(files))) == ["app/one", "app/two"]


def test_files_are_short() -> None:
    lengths = {str(path): len((PROJECT / path).read_text(encoding="utf-8").splitlines()) for path in trees(*EVERYTHING)}

    assert {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_functions_are_short() -> None:
    lengths = {
        f"{path}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path, tree in trees(*EVERYTHING).items()
        for node in functions(tree)
    }

    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION} == {}


def test_a_public_class_name_is_used_once() -> None:
    """Classes within a class go by both names (Action.Status), as Django's choices and Meta do."""
    places: dict[str, list[str]] = defaultdict(list)
    for path, tree in trees(*PRODUCT).items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and node.name not in BY_CONVENTION:
                places[node.name].append(str(path))

    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}


@pytest.mark.parametrize(
    ("module", "importers"),
    [
        ("cryptography", {"accounts/encryption.py", "conveyor/devserver.py", "conveyor/environment.py"}),
        (
            "accounts.encryption",
            {
                "accounts/key_rotation.py",
                "accounts/revocations.py",
                "accounts/second_factor.py",
                "accounts/spill.py",
                "accounts/token_store.py",
                "accounts/webhook_secrets.py",
            },
        ),
        ("requests", {"digitalocean_client/http.py"}),
    ],
)
def test_only_these_files_import_it(module: str, importers: set[str]) -> None:
    """import-linter does not see an import of a package's own module where the package is the source."""
    found = {
        str(path)
        for path, tree in trees(*PRODUCT).items()
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""])
        if name == module or name.startswith(f"{module}.")
    }

    assert found == importers


def test_no_public_function_is_called_of() -> None:
    found = [str(path) for path, tree in trees(*EVERYTHING).items() for node in functions(tree) if node.name == "of"]

    assert found == []
