"""Files that hold what DigitalOcean has handed out until the database has stored it.

A token pair exists nowhere else: when the database is away, or the process dies before the commit, the pair would be
lost and the connection with it. So each answer is written to a file first (encrypted, fsynced), then to the database;
then the file is removed. A file that stays is stored later: by this process, which tries again with growing pauses, or
by the next process of this host that looks.

A process holds a lock (flock) on the files it works on. The kernel releases it when the process dies, so a file without
a lock has no owner. The files are in `settings.SPILL_DIR`, which the processes of one host share.
"""

import fcntl
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

import msgspec
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections

from accounts.encryption import CannotDecrypt, decrypt, encrypt

log = logging.getLogger(__name__)

Handler = Callable[[str, dict[str, Any]], None]
"""Stores one answer in the database: takes its key and its data. It may be called twice for one answer."""

NOT_STORED = (DatabaseError, InterfaceError)
"""What a handler raises when the database did not take the answer: it is tried again."""

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0
"""Seconds between two tries while the database is away."""

_ENDING = ".spill"

_handlers: dict[str, Handler] = {}
_in_memory: list["Spill"] = []
"""Answers that no file could be written for: the disk is full, or may not be written to."""
_lock = threading.Lock()
_thread: threading.Thread | None = None
_is_asked = False
"""Whether something was left to the thread since it last looked at what waits."""


def register(kind: str, handler: Handler) -> None:
    """Say who stores the answers of this kind."""
    _handlers[kind] = handler


class Spill:
    """One answer that the database does not have yet. End it with `done`, or with `retry` where storing failed."""

    def __init__(self, kind: str, key: str, data: dict[str, Any]) -> None:
        """Write the file. `kind` and `key` contain no dot; `data` is what JSON can hold.

        Never raises for the disk: without a file the answer is kept in this process's memory alone.
        """
        self.kind, self.key, self.data = kind, key, data
        self._path: Path | None = None
        self._file: IO[bytes] | None = None
        try:
            self._write(Path(settings.SPILL_DIR))
        except OSError as error:
            log.critical("An answer of DigitalOcean cannot be written to %s: %s", settings.SPILL_DIR, error.strerror)
            self._close()

    def done(self) -> None:
        """The database has it: remove the file."""
        if self._path:
            self._path.unlink(missing_ok=True)
        self._close()

    def retry(self) -> None:
        """Storing it failed: release it, and have it tried again in the background."""
        if self._path is None:
            with _lock:
                _in_memory.append(self)
        self._close()
        store_in_background()

    def _write(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{self.kind}.{self.key}.{uuid4().hex}"
        temporary = directory / f"{name}.tmp"
        self._file = os.fdopen(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            text = msgspec.json.encode(self.data).decode()
            self._file.write(encrypt(text, field="spill", uid=f"{self.kind}.{self.key}").encode())
            self._file.flush()
            os.fsync(self._file)
            self._path = temporary.rename(directory / f"{name}{_ENDING}")
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        _fsync_directory(directory)

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()


def store_leftovers(kind: str = "", key: str = "") -> int:
    """Store what waits on this host: all of it, or the answers of one kind and key.

    Returns how many were not stored yet: another process works on them, or the database is away.
    """
    return sum(not _store(path) for path in _files(kind, key))


def store_in_background() -> None:
    """Try again with growing pauses until nothing waits, for as long as this process lives."""
    global _thread, _is_asked
    with _lock:
        _is_asked = True
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_keep_trying, name="spill", daemon=True)
            _thread.start()


def is_retrying() -> bool:
    """Whether this process waits for the database to come back: what it answers then goes to the background at once."""
    return _thread is not None and _thread.is_alive()


def _keep_trying() -> None:
    global _thread, _is_asked
    pause, never = _FIRST_PAUSE, threading.Event()
    while True:
        with _lock:
            _is_asked = False
        try:
            left = store_leftovers() + _store_from_memory()
        finally:
            connections.close_all()  # this thread's own
        with _lock:
            if not left and not _in_memory and not _is_asked:
                _thread = None
                return
        never.wait(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _store_from_memory() -> int:
    with _lock:
        waiting = list(_in_memory)
    for spill in waiting:
        if _handle(spill.kind, spill.key, spill.data):
            with _lock:
                _in_memory.remove(spill)
    return len(_in_memory)


def waiting() -> list[Path]:
    """The files of this host whose answers the database has not stored yet."""
    return _files("", "")


def _files(kind: str, key: str) -> list[Path]:
    directory = Path(settings.SPILL_DIR)
    try:
        names = os.listdir(directory)  # usually empty
    except OSError:
        return []
    start = f"{kind}.{key}." if kind else ""
    return [directory / name for name in sorted(names) if name.startswith(start) and name.endswith(_ENDING)]


def _store(path: Path) -> bool:
    try:
        file = path.open("rb")
    except OSError:
        return True  # stored by another process in this moment
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        if os.fstat(file.fileno()).st_nlink == 0:
            return True
        kind, key, _, _ = path.name.split(".")
        try:
            data = msgspec.json.decode(decrypt(file.read().decode(), field="spill", uid=f"{kind}.{key}"), type=dict)
        except (CannotDecrypt, msgspec.MsgspecError, UnicodeError):
            aside = path.rename(path.with_suffix(".failed"))
            log.error("No key of TOKEN_KEYS decrypts %s: add the key and rename the file to %s", aside, path.name)
            return True
        if stored := _handle(kind, key, data):
            path.unlink(missing_ok=True)
        return stored


def _handle(kind: str, key: str, data: dict[str, Any]) -> bool:
    try:
        _handlers[kind](key, data)
    except NOT_STORED as error:
        why = str(error).partition("\n")[0]
        log.warning("The database has not stored an answer of DigitalOcean yet (%s: %s)", type(error).__name__, why)
        return False
    except Exception:
        log.exception("An answer of DigitalOcean could not be stored; it is kept", extra={"spill": f"{kind}.{key}"})
        return False
    log.info("An answer of DigitalOcean was stored late", extra={"spill": f"{kind}.{key}"})
    return True


def _fsync_directory(directory: Path) -> None:
    """So that the file's name survives a power cut as well."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
