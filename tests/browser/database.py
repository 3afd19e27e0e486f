"""A database for a Conveyor of its own, on the kind of server that the run is about, and all that is written in it."""

from __future__ import annotations

import os
import sqlite3
from abc import ABC, abstractmethod
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from django.contrib.sessions.backends.db import SessionStore
from psycopg.sql import SQL, Identifier


class Database(ABC):
    """`url` is what DATABASE_URL has to be."""

    url: str

    @abstractmethod
    def rows(self) -> list[str]:
        """Every row of every table, as text."""

    @abstractmethod
    def sessions(self) -> list[str]:
        """The decoded contents of the session table, as text."""

    @abstractmethod
    def session_keys(self) -> list[str]:
        """The keys of all sessions: each logs its user in."""

    @abstractmethod
    def drop(self) -> None:
        """Remove it."""


class SQLite(Database):
    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"

    def rows(self) -> list[str]:
        """The bytes of its files, what was deleted and not yet overwritten included."""
        return [file.read_bytes().decode("latin-1") for file in self.path.parent.glob(f"{self.path.name}*")]

    def sessions(self) -> list[str]:
        return [_decoded(data) for data in self._column("session_data")]

    def session_keys(self) -> list[str]:
        return self._column("session_key")

    def _column(self, name: str) -> list[str]:
        connection = sqlite3.connect(self.path)
        found = connection.execute(f"SELECT {name} FROM django_session").fetchall()  # two fixed names
        connection.close()
        return [value for (value,) in found]

    def drop(self) -> None:
        for file in self.path.parent.glob(f"{self.path.name}*"):
            file.unlink()


class PostgreSQL(Database):
    def __init__(self, beside: str, name: str) -> None:
        worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
        parts = urlsplit(beside)
        self.name = f"{parts.path.strip('/')}_browser_{name}_{worker}_{os.getpid()}"
        self.url = parts._replace(path=f"/{self.name}").geturl()
        self._server = parts._replace(path="/postgres").geturl()
        self._tell(SQL("CREATE DATABASE {}").format(Identifier(self.name)))

    def rows(self) -> list[str]:
        with psycopg.connect(self.url) as connection:
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            return [
                text
                for (table,) in tables
                for (text,) in connection.execute(SQL("SELECT t::text FROM {} AS t").format(Identifier(table)))
            ]

    def sessions(self) -> list[str]:
        with psycopg.connect(self.url) as connection:
            return [_decoded(data) for (data,) in connection.execute("SELECT session_data FROM django_session")]

    def session_keys(self) -> list[str]:
        with psycopg.connect(self.url) as connection:
            return [key for (key,) in connection.execute("SELECT session_key FROM django_session")]

    def drop(self) -> None:
        self._tell(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(self.name)))

    def _tell(self, what: psycopg.sql.Composed) -> None:
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(what)


def _decoded(data: str) -> str:
    """Conveyor runs with the secret key of the tests, so that they can read its sessions."""
    content = SessionStore().decode(data)
    assert content, "a session that the tests cannot read"
    return repr(content)


def of_this_run(directory: Path) -> Database:
    """PostgreSQL where the run's DATABASE_URL is one, else SQLite."""
    url = os.environ.get("DATABASE_URL", "")
    if urlsplit(url).scheme.startswith(("postgres", "psql", "pgsql")):
        return PostgreSQL(url, directory.name)
    return SQLite(directory / "db.sqlite3")
