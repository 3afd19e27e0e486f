"""What DigitalOcean handed out waits in a file until the database has it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import OperationalError

from accounts import spill
from accounts.models import Revocation
from tests.support.person import Person
from tests.support.waiting import wait_until

PAIR = {"access_token": "doo_v1_secret", "refresh_token": "dor_v1_secret"}


class Store:
    """A handler whose database may be away."""

    def __init__(self) -> None:
        self.stored: list[tuple[str, dict[str, Any]]] = []
        self.failures = 0

    def __call__(self, key: str, data: dict[str, Any]) -> None:
        if self.failures:
            self.failures -= 1
            raise OperationalError("the database is away")
        self.stored.append((key, data))


@pytest.fixture
def directory(tmp_path: Path, settings: Any) -> Path:
    settings.SPILL_DIR = tmp_path / "spill"
    return tmp_path / "spill"


@pytest.fixture
def store(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    handler = Store()
    monkeypatch.setitem(spill._handlers, "test", handler)
    yield handler
    wait_until(lambda: spill._thread is None)


def test_an_answer_that_is_stored_leaves_no_file(store: Store, directory: Path) -> None:
    written = spill.Spill("test", "1", PAIR)
    assert len(list(directory.iterdir())) == 1

    written.done()

    assert list(directory.iterdir()) == []
    assert store.stored == []


def test_the_file_is_encrypted_and_for_its_owner_alone(store: Store, directory: Path) -> None:
    written = spill.Spill("test", "1", PAIR)

    [file] = directory.iterdir()
    assert b"secret" not in file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    assert directory.stat().st_mode & 0o777 == 0o700
    written.done()


def test_a_file_that_its_process_still_works_on_is_left_alone(store: Store, directory: Path) -> None:
    written = spill.Spill("test", "1", PAIR)

    assert spill.store_leftovers() == 1
    assert store.stored == []
    written.done()


def test_the_file_of_a_process_that_died_is_stored_by_the_next_one(store: Store, directory: Path) -> None:
    spill.Spill("test", "1", PAIR)._close()  # the kernel closes the files of a process that is killed

    assert spill.store_leftovers("test", "2") == 0
    assert store.stored == []
    assert spill.store_leftovers("test", "1") == 0
    assert store.stored == [("1", PAIR)]
    assert list(directory.iterdir()) == []


def test_it_is_tried_again_until_the_database_is_back(store: Store, directory: Path) -> None:
    store.failures = 3

    spill.Spill("test", "1", PAIR).retry()

    wait_until(lambda: store.stored == [("1", PAIR)])
    wait_until(lambda: list(directory.iterdir()) == [])


def test_what_comes_while_the_thread_stores_something_else_is_stored_too(
    store: Store, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread has listed the files by then; it looks once more before it ends."""

    def one_more(key: str, data: dict[str, Any]) -> None:
        if key == "1":
            spill.Spill("test", "2", PAIR).retry()
        store(key, data)

    monkeypatch.setitem(spill._handlers, "test", one_more)
    spill.Spill("test", "1", PAIR).retry()

    wait_until(lambda: [key for key, _ in store.stored] == ["1", "2"])


def test_without_a_file_it_is_tried_again_from_memory(
    store: Store, directory: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*args: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    store.failures = 2

    spill.Spill("test", "1", PAIR).retry()

    wait_until(lambda: store.stored == [("1", PAIR)])
    assert list(directory.iterdir()) == []
    assert "No space left on device" in caplog.text
    assert "secret" not in caplog.text


def test_a_file_whose_key_is_lost_is_set_aside(
    store: Store, directory: Path, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    spill.Spill("test", "1", PAIR)._close()
    settings.TOKEN_KEYS = [Fernet.generate_key().decode()]

    assert spill.store_leftovers() == 0

    assert store.stored == []
    [file] = directory.iterdir()
    assert file.suffix == ".failed"
    assert "add the key and rename the file" in caplog.text


def test_a_directory_that_is_not_there_has_nothing_waiting(store: Store, directory: Path) -> None:
    assert spill.store_leftovers() == 0


def test_a_code_whose_pair_could_not_be_stored_is_revoked(
    transactional_db: None, alice: Person, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is away in the moment in which the callback has DigitalOcean's answer."""
    store_row = Revocation.save

    def away(*args: Any, **kwargs: Any) -> None:
        monkeypatch.setattr(Revocation, "save", store_row)
        raise OperationalError("the database is away")

    monkeypatch.setattr(Revocation, "save", away)
    with pytest.raises(OperationalError):
        alice.go("Acme Web")

    wait_until(lambda: spill._thread is None)
    call_command("refresh_tokens", stdout=StringIO())

    assert alice.sandbox.live_grants() == []
    assert list(directory.iterdir()) == []
