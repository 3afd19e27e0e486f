"""The persistent state: one SQLite file, so that tokens still work after a restart."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

# Raised when the tables change. SQLite's user_version marks the file as the sandbox's.
VERSION = 7101
# Statements that bring a file of an earlier version up to this one.
UPGRADES = {
    7100: (
        "ALTER TABLE clients ADD COLUMN name TEXT NOT NULL DEFAULT 'Conveyor'",
        "ALTER TABLE users ADD COLUMN status_message TEXT",
    ),
}

TABLES = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE clients (id TEXT PRIMARY KEY, secret TEXT NOT NULL, redirect_uris TEXT NOT NULL, name TEXT NOT NULL);
CREATE TABLE users (
    uuid TEXT PRIMARY KEY, position INTEGER NOT NULL, name TEXT NOT NULL, email TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'active', status_message TEXT);
CREATE TABLE teams (uuid TEXT PRIMARY KEY, position INTEGER NOT NULL, name TEXT NOT NULL, theme TEXT NOT NULL);
CREATE TABLE members (
    user_uuid TEXT NOT NULL REFERENCES users, team_uuid TEXT NOT NULL REFERENCES teams,
    PRIMARY KEY (user_uuid, team_uuid));
CREATE TABLE grants (
    id INTEGER PRIMARY KEY AUTOINCREMENT, client_id TEXT NOT NULL REFERENCES clients,
    user_uuid TEXT NOT NULL REFERENCES users, team_uuid TEXT NOT NULL, scope TEXT NOT NULL,
    created_at REAL NOT NULL, revoked INTEGER NOT NULL DEFAULT 0, refreshed INTEGER NOT NULL DEFAULT 0);
CREATE TABLE codes (
    code TEXT PRIMARY KEY, client_id TEXT NOT NULL REFERENCES clients, redirect_uri TEXT NOT NULL,
    user_uuid TEXT NOT NULL REFERENCES users, team_uuid TEXT NOT NULL, scope TEXT NOT NULL,
    challenge TEXT NOT NULL, expires_at REAL NOT NULL, used INTEGER NOT NULL DEFAULT 0);
CREATE TABLE pairs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, grant_id INTEGER NOT NULL REFERENCES grants,
    access_token TEXT NOT NULL UNIQUE, refresh_token TEXT NOT NULL UNIQUE, access_expires_at REAL NOT NULL,
    created_at REAL NOT NULL, access_dead INTEGER NOT NULL DEFAULT 0, refresh_used INTEGER NOT NULL DEFAULT 0);
CREATE INDEX pairs_by_grant ON pairs (grant_id);
CREATE INDEX grants_by_person ON grants (user_uuid, team_uuid);
"""

EMPTY = (
    "DELETE FROM pairs",
    "DELETE FROM codes",
    "DELETE FROM grants",
    "DELETE FROM members",
    "DELETE FROM teams",
    "DELETE FROM users",
    "DELETE FROM facts",
    "DELETE FROM sqlite_sequence",  # grants count from one again
)


class StateFileUnusable(Exception):
    """The state file cannot be opened, or is not the sandbox's. The text is one sentence for the user."""


class Store:
    """The open state file. All calls are short and run on the event loop's thread."""

    def __init__(self, path: str) -> None:
        """Open or create the file at `path`. Raises StateFileUnusable."""
        try:
            self._connection = sqlite3.connect(path, isolation_level=None)
            self._connection.row_factory = sqlite3.Row
            self._prepare(path)
        except sqlite3.Error as error:
            raise StateFileUnusable(f"Sandbox cannot use the state file {path}: {error}.") from error

    def _prepare(self, path: str) -> None:
        version = self.one("PRAGMA user_version")[0]
        if version == 0 and self.one("SELECT count(*) FROM sqlite_master")[0] == 0:
            # WAL with NORMAL survives a killed process, without a sync on every token.
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.executescript(TABLES)
            self._connection.execute(f"PRAGMA user_version = {VERSION}")
        elif version in UPGRADES:
            for statement in (*UPGRADES[version], f"PRAGMA user_version = {VERSION}"):
                self._connection.execute(statement)
        elif version != VERSION:
            raise StateFileUnusable(
                f"Sandbox cannot use the state file {path}: it was not made by this version of the sandbox. "
                "Choose another with --state, or delete it."
            )
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("PRAGMA foreign_keys = ON")

    def all(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Every row of a query."""
        return self._connection.execute(query, values).fetchall()

    def first(self, query: str, *values: object) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        row: sqlite3.Row | None = self._connection.execute(query, values).fetchone()
        return row

    def one(self, query: str, *values: object) -> sqlite3.Row:
        """The first row of a query that always has one."""
        row = self.first(query, *values)
        if row is None:
            raise LookupError(query)
        return row

    def run(self, statement: str, *values: object) -> int:
        """Run one statement. Returns how many rows it changed."""
        return self._connection.execute(statement, values).rowcount

    def add(self, statement: str, *values: object) -> int:
        """Run one INSERT. Returns the id of the new row."""
        row_id = self._connection.execute(statement, values).lastrowid
        if row_id is None:
            raise LookupError(statement)
        return row_id

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run all statements inside, or none."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def get_fact(self, name: str) -> str | None:
        """A stored value of the simulation, such as its seed, or None."""
        row = self.first("SELECT value FROM facts WHERE name = ?", name)
        return None if row is None else str(row["value"])

    def set_fact(self, name: str, value: object) -> None:
        """Store a value of the simulation."""
        self.run(
            "INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            name,
            str(value),
        )

    def clear(self, *, keep_clients: bool) -> None:
        """Empty every table; the clients' only without `keep_clients`."""
        with self.transaction():
            for statement in EMPTY:
                self.run(statement)
            if not keep_clients:
                self.run("DELETE FROM clients")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
