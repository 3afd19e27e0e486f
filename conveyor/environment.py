"""Reads the settings of a host from its environment. All mistakes are reported at once, in one line, without values."""

import logging
import os
import re
import sys
import warnings
from collections.abc import Callable
from functools import partial
from io import StringIO
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

import environ
from cryptography.fernet import Fernet
from redis import ConnectionPool
from sentry_sdk.utils import Dsn

from common.exit_codes import ExitCode

T = TypeVar("T")

BASE_DIR = Path(__file__).resolve().parent.parent

# As Django's ALLOWED_HOSTS takes them: a name, .example.com for it and all below, *, an IPv6 address in brackets.
_HOST = re.compile(r"\*|\.?[A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\]")


def env_file() -> Path | None:
    """The file to read: `.env` in the project. ENV_FILE names another one; empty, it means none."""
    name = os.environ.get("ENV_FILE", str(BASE_DIR / ".env"))
    return Path(name) if name else None


class Environment:
    """The process's environment and a `.env` file, which the environment wins over.

    django-environ reads the file and the URLs of database and email. It stops at the first mistake and shows the value.
    Here `finish` names all missing and malformed variables, and a secret with a typo in it stays secret.
    """

    def __init__(self, env_file: Path | None) -> None:
        self._env = environ.Env()
        self._problems: list[str] = []
        if env_file and env_file.is_file():
            self._read_file(env_file)

    def _read_file(self, path: Path) -> None:
        try:
            lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
        except (OSError, UnicodeDecodeError):
            self._problems.append(f"{path.name} cannot be read as UTF-8 text")
            return

        def note(record: logging.LogRecord) -> bool:
            number = lines.index(record.getMessage().removeprefix("Invalid line: ")) + 1
            self._problems.append(f"line {number} of {path.name} is malformed: a good one looks like NAME=value")
            return False

        # django-environ logs a line that it cannot read, with the value in it.
        logger = logging.getLogger("environ.environ")
        logger.addFilter(note)
        self._env.read_env(StringIO("\n".join(lines)))
        logger.removeFilter(note)

    def read(self, name: str, default: T, parse: Callable[[str], T], good: str, *, required: str = "") -> T:
        """The variable `name`, parsed; `default` where it is unset or empty.

        `parse` raises any exception for a malformed value; `good` shows what a good one looks like. Where the variable
        must be set, `required` says why, or how to get a value.
        """
        value = os.environ.get(name, "").strip()
        if not value:
            if required:
                self._problems.append(f"{name} is not set: {required}")
            return default
        try:
            # A library's warning would show the value. Whatever causes one is malformed.
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                return parse(value)
        except Exception:
            self._problems.append(f"{name} is malformed: a good one looks like {good}")
            return default

    def text(self, name: str, default: str = "") -> str:
        return self.read(name, default, str, "any text")

    def secret(self, name: str, *, required: bool, how: str) -> str:
        """A text that must be set when `required`; `how` says where to get one."""
        return self.read(name, "", str, "any text", required=how if required else "")

    def flag(self, name: str, default: bool = False) -> bool:
        return self.read(name, default, _flag, "True or False")

    def number(self, name: str, default: int) -> int:
        return self.read(name, default, partial(_whole, allowed=range(sys.maxsize)), "a whole number such as 1")

    def days(self, name: str, default: int) -> int:
        """A number of days, 1 to 3650."""
        return self.read(
            name, default, partial(_whole, allowed=range(1, 3651)), f"{default}, a whole number from 1 to 3650"
        )

    def port(self, name: str, default: int) -> int:
        return self.read(name, default, partial(_whole, allowed=range(1, 65536)), "8000, a number from 1 to 65535")

    def address(self, name: str, default: str) -> str:
        """An IP address to listen on."""
        return self.read(name, default, lambda value: str(ip_address(value)), "127.0.0.1 or 0.0.0.0")

    def hosts(self, name: str, default: list[str]) -> list[str]:
        return self.read(name, default, _hosts, "conveyor.example.com,www.example.com")

    def url(self, name: str, default: str, good: str) -> str:
        return self.read(name, default, _url, good)

    def origin(self, name: str, *, required: bool) -> str:
        """Scheme and host, without a path; empty where unset."""
        why = "ALLOWED_HOSTS names no host that links in emails could use" if required else ""
        return self.read(name, "", _origin, "https://conveyor.example.com", required=why)

    def redis_url(self, name: str) -> str:
        return self.read(name, "", _redis_url, "rediss://user:password@host:6379/0")

    def sentry_dsn(self, name: str) -> str:
        return self.read(name, "", _sentry_dsn, "https://key@sentry.example.com/1")

    def database(self, name: str, default: Path) -> dict[str, Any]:
        fallback = self._env.db_url_config(f"sqlite:///{default}")
        config = self.read(name, fallback, self._database, "postgres://user:password@host:5432/name")
        return dict(config)

    def _database(self, value: str) -> dict[str, Any]:
        config = self._env.db_url_config(value)
        if config["ENGINE"] not in ("django.db.backends.postgresql", "django.db.backends.sqlite3"):
            raise ValueError
        if not config["NAME"]:
            raise ValueError
        return dict(config)

    def email(self, name: str) -> dict[str, Any]:
        return self.read(name, {}, self._email, "smtp+tls://user:password@mail.example.com:587")

    def _email(self, value: str) -> dict[str, Any]:
        config = self._env.email_url_config(value)
        if not config.get("EMAIL_BACKEND"):
            raise ValueError
        return dict(config)

    def fernet_keys(self, name: str, *, required: bool, how: str) -> list[str]:
        """Comma-separated Fernet keys: the first encrypts, all of them decrypt."""
        good = "the 44 characters of a Fernet key, or several with commas between"
        return self.read(name, list[str](), _fernet_keys, good, required=how if required else "")

    def finish(self) -> None:
        """End the process (exit code 78) with one line if anything is missing or malformed."""
        if self._problems:
            stop("; ".join(self._problems))


def stop(what: str) -> NoReturn:
    """Print one line and end the process with `ExitCode.CONFIGURATION` (78)."""
    print(f"Conveyor cannot start: {what}.", file=sys.stderr)  # noqa: T201  # logs are not set up yet
    sys.exit(ExitCode.CONFIGURATION)


def _flag(value: str) -> bool:
    if value.lower() in ("true", "1", "yes", "on"):
        return True
    if value.lower() in ("false", "0", "no", "off"):
        return False
    raise ValueError


def _whole(value: str, *, allowed: range) -> int:
    number = int(value)
    if number not in allowed:
        raise ValueError
    return number


def _list(value: str) -> list[str]:
    return [item.strip() for item in value.split(",") if item.strip()]


def _hosts(value: str) -> list[str]:
    hosts = _list(value)
    if not hosts or not all(_HOST.fullmatch(host) for host in hosts):
        raise ValueError
    return hosts


def _url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError
    _ = parts.port  # raises ValueError for an invalid port
    return value.rstrip("/")


def _origin(value: str) -> str:
    if urlsplit(_url(value)).path:
        raise ValueError
    return _url(value)


def _redis_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("redis", "rediss") or not parts.hostname or parts.fragment:
        raise ValueError
    parts.hostname.encode("idna")  # raises UnicodeError for an invalid host name
    if not re.fullmatch(r"(/\d*)?", parts.path):
        raise ValueError
    # Does not connect. Raises ValueError or TypeError for options (after "?") that redis-py does not know.
    ConnectionPool.from_url(value).make_connection()
    return value


def _sentry_dsn(value: str) -> str:
    Dsn(value)  # raises BadDsn
    return value


def _fernet_keys(value: str) -> list[str]:
    keys = _list(value)
    for key in keys:
        Fernet(key)
    if not keys:
        raise ValueError
    return keys
