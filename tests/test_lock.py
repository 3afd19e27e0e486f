"""The lock files hold what requirements*.in name, pinned and with hashes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.lock import FILES, PROJECT, problems, read_lock


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The four files, to be changed."""
    for names in FILES:
        for name in names:
            shutil.copy(PROJECT / name, tmp_path / name)
    return tmp_path


def test_the_lock_files_are_up_to_date() -> None:
    assert problems() == []


def test_everything_installed_is_pinned_by_hash() -> None:
    for _, target in FILES:
        locked = read_lock(PROJECT / target)
        assert len(locked) > 20
        assert all(each.version and each.hashes for each in locked.values())


@pytest.mark.parametrize("target", [target for _, target in FILES])
def test_no_lock_file_names_a_package_index(target: str) -> None:
    text = (PROJECT / target).read_text(encoding="utf-8")

    assert "index-url" not in text
    assert "://" not in text


def test_a_new_requirement_is_missed(copy: Path) -> None:
    path = copy / "requirements.in"
    path.write_text(path.read_text() + "attrs==1.0\nhttpx>=0.1\n")

    assert problems(copy) == ["requirements.txt: attrs is missing", "requirements.in: httpx is not pinned with =="]


def test_a_changed_pin_is_seen(copy: Path) -> None:
    path = copy / "requirements.in"
    path.write_text(path.read_text().replace("gunicorn==27.0.1", "gunicorn==27.0.2"))

    assert problems(copy) == ["requirements.txt: gunicorn is 27.0.1, but requirements.in says 27.0.2"]


def test_a_removed_requirement_is_seen(copy: Path) -> None:
    path = copy / "requirements-dev.in"
    path.write_text("\n".join(line for line in path.read_text().splitlines() if not line.startswith("ruff")))

    assert problems(copy) == ["requirements-dev.txt: ruff is no longer in requirements-dev.in"]


def test_a_missing_hash_and_two_versions_are_seen(copy: Path) -> None:
    path = copy / "requirements.txt"
    path.write_text(path.read_text() + "zipp==3.0\n")

    assert problems(copy) == [
        "requirements.txt: zipp has no hash",
        "requirements-dev.txt: zipp differs from requirements.txt (3.0)",
    ]
