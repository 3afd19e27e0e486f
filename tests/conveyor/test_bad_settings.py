"""What is wrong with the settings is said in one line that names the variable, shows a good one and not the bad one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.programs import DEPLOYED, GUNICORN, MANAGE, free_port, run

LOAD = (sys.executable, "-c", "import conveyor.settings")
BAD = {
    "DEBUG": ["maybe"],
    "ALLOWED_HOSTS": ["https://hunter2.example.com", "hunter2/path", "hunter2:8000", ","],
    "TOKEN_KEYS": ["hunter2", "Y2hlY2tzLWFsb25lLWNoZWNrcy1hbG9uZS1jaGVja3M=,hunter2", ","],
    "DATABASE_URL": [
        "hunter2",
        "mysql://user:hunter2@host/name",
        "postgres://user:hunter2@host",
        "postgres://user:hunter2@host:port/name",
        "hunter2://",
    ],
    "REDIS_URL": [
        "hunter2",
        "https://hunter2.example.com",
        "redis://",
        "redis://:hun#ter2@host",
        "redis://:hunter2@host:port",
        "redis://:hunter2@host/name",
        "redis://:hunter2@no..host",
        "redis://:hunter2@host?socket_timeout=soon",
        "redis://:hunter2@host?hunter2=1",
    ],
    "EMAIL_URL": ["hunter2", "https://user:hunter2@example.com", "smtp://user:hunter2@example.com:port"],
    "SENTRY_DSN": ["hunter2", "https://hunter2@sentry.example.com/", "https://sentry.example.com/1"],
    "DIGITAL_OCEAN_OAUTH_URL": ["hunter2", "ftp://hunter2", "https://hunter2?x=1", "https://hunter2:port/v1"],
    "DIGITAL_OCEAN_API_URL": ["hunter2"],
    "DIGITAL_OCEAN_PKCE": ["hunter2"],
    "TRUSTED_PROXIES": ["-1", "hunter2", "1.5"],
    "HTTPS": ["hunter2"],
}
SECRETS = ["SECRET_KEY", "TOKEN_KEYS", "DIGITAL_OCEAN_CLIENT_ID", "DIGITAL_OCEAN_CLIENT_SECRET"]


def the_one_line(output: str) -> str:
    lines = output.splitlines()
    assert len(lines) == 1, output
    assert lines[0].startswith("Conveyor cannot start: ")
    return lines[0]


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_a_malformed_variable_is_named_and_not_shown(name: str, value: str) -> None:
    found = run(LOAD, {**DEPLOYED, name: value})

    assert found.returncode == 1
    line = the_one_line(found.stderr)
    assert f"{name} is malformed: a good one looks like " in line
    assert "hunter2" not in line
    assert found.stdout == ""


def test_what_a_host_sets_is_good() -> None:
    found = run(LOAD, DEPLOYED)

    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "url",
    [
        "redis://host",
        "redis://:p,ss;word@[::1]:6379/",
        "rediss://default:password@redis.example.com:25061/3",
        "rediss://host?socket_timeout=2&ssl_cert_reqs=none",
    ],
)
def test_a_redis_may_want_a_user_a_password_and_options(url: str) -> None:
    found = run(LOAD, {**DEPLOYED, "REDIS_URL": url})

    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


def test_an_empty_variable_is_an_unset_one() -> None:
    found = run(LOAD, {**dict.fromkeys(BAD, ""), "DEBUG": "True"})

    assert (found.returncode, found.stderr) == (0, "")


def test_every_mistake_is_told_at_once() -> None:
    found = run(LOAD, {"DEBUG": "True", "REDIS_URL": "nonsense", "EMAIL_URL": "nonsense"})

    line = the_one_line(found.stderr)
    assert "REDIS_URL" in line
    assert "EMAIL_URL" in line


@pytest.mark.parametrize("missing", SECRETS)
def test_a_missing_secret_stops_the_start(missing: str) -> None:
    found = run(LOAD, {name: value for name, value in DEPLOYED.items() if name != missing})

    assert found.returncode == 1
    assert f"{missing} is not set: " in the_one_line(found.stderr)


def test_a_client_id_alone_is_a_mistake_even_in_development() -> None:
    found = run(LOAD, {"DEBUG": "True", "DIGITAL_OCEAN_CLIENT_ID": "client"})

    assert "DIGITAL_OCEAN_CLIENT_SECRET is not set" in the_one_line(found.stderr)


def test_manage_py_stops_at_missing_secrets() -> None:
    found = run([*MANAGE, "migrate"], {})

    assert (found.returncode, found.stdout) == (1, "")
    line = the_one_line(found.stderr)
    assert all(name in line for name in SECRETS)


def test_gunicorn_stops_at_missing_secrets_instead_of_trying_again(tmp_path: Path) -> None:
    found = run(GUNICORN, {"PORT": str(free_port())})

    assert found.returncode == 1
    assert all(name in the_one_line(found.stderr) for name in SECRETS)


def test_gunicorn_stops_at_a_bad_port() -> None:
    found = run(GUNICORN, {**DEPLOYED, "PORT": "70000"})

    assert found.returncode == 1
    assert "PORT is malformed" in the_one_line(found.stderr)


def test_gunicorn_stops_where_static_files_are_not_collected(tmp_path: Path) -> None:
    found = run(GUNICORN, {**DEPLOYED, "PORT": str(free_port()), "STATIC_ROOT": str(tmp_path)})

    assert found.returncode == 1
    assert "python manage.py collectstatic" in the_one_line(found.stderr)


@pytest.mark.parametrize("content", ["SECRET_KEY=abc\nhunter2 and more", "hunter2: yes", "{hunter2"])
def test_a_malformed_env_file_is_named_by_line(tmp_path: Path, content: str) -> None:
    file = tmp_path / ".env"
    file.write_text(content)

    found = run(LOAD, {**DEPLOYED, "ENV_FILE": str(file)})

    assert found.returncode == 1
    line = the_one_line(found.stderr)
    assert f"line {len(content.splitlines())} of .env is malformed" in line
    assert "hunter2" not in line


def test_an_env_file_that_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"\xff\xfe\x00")

    found = run(LOAD, {**DEPLOYED, "ENV_FILE": str(file)})

    assert ".env cannot be read as UTF-8 text" in the_one_line(found.stderr)


def test_an_env_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# a comment\n\nexport SECRET_KEY='from the file'\nDEBUG=True\nTIME=1\n")
    show = (sys.executable, "-c", "from conveyor import settings; print(settings.SECRET_KEY, settings.DEBUG)")

    assert run(show, {"ENV_FILE": str(file)}).stdout == "from the file True\n"
    assert run(show, {"ENV_FILE": str(file), "SECRET_KEY": "given"}).stdout == "given True\n"
