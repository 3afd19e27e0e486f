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
    "SESSION_IDLE_DAYS": ["0", "hunter2", "1.5", "99999"],
    "SESSION_MAX_DAYS": ["0", "-1"],
    "METRICS_LISTEN": ["hunter2", "127.0.0.1:80", "localhost"],
    "METRICS_PORT": ["0", "65536", "hunter2"],
    "EVENT_DAYS": ["0", "hunter2"],
    "ACTION_DAYS": ["0", "-1", "hunter2"],
    "HTTPS": ["hunter2"],
    "HSTS_SUBDOMAINS": ["hunter2"],
    "SANDBOX_COMMAND": ["hunter2"],
    "BASE_URL": ["hunter2.example.com", "ftp://hunter2", "https://example.com/hunter2", "https://hunter2:port"],
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

    assert found.returncode == 78
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

    assert found.returncode == 78
    assert f"{missing} is not set: " in the_one_line(found.stderr)


def test_links_in_emails_need_a_host_where_every_host_is_allowed() -> None:
    given = {**DEPLOYED, "ALLOWED_HOSTS": "*"}

    assert "BASE_URL is not set: " in the_one_line(run(LOAD, given).stderr)
    assert run(LOAD, {**given, "BASE_URL": "https://conveyor.example.com"}).returncode == 0


@pytest.mark.parametrize(
    ("given", "base_url"),
    [
        ({}, "https://conveyor.example.com"),
        ({"HTTPS": "False"}, "http://conveyor.example.com"),
        ({"ALLOWED_HOSTS": "localhost,.one.example.com,two.example.com"}, "https://one.example.com"),
        ({"ALLOWED_HOSTS": "127.0.0.1"}, "http://127.0.0.1:8000"),
        ({"ALLOWED_HOSTS": "127.0.0.1", "PORT": "8005"}, "http://127.0.0.1:8005"),
        ({"BASE_URL": "https://else.example.com:8443/"}, "https://else.example.com:8443"),
    ],
)
def test_links_in_emails_start_with_the_first_name_unless_told(given: dict[str, str], base_url: str) -> None:
    show = (sys.executable, "-c", "from conveyor import settings; print(settings.BASE_URL)")

    assert run(show, {**DEPLOYED, **given}).stdout == f"{base_url}\n"


@pytest.mark.parametrize(("given", "there"), [({}, False), ({"DEBUG": "True"}, True), ({"SANDBOX_COMMAND": "1"}, True)])
def test_the_sandbox_command_is_there_where_a_setting_says_so(given: dict[str, str], there: bool) -> None:
    show = (sys.executable, "-c", "from conveyor import settings; print('sandbox' in settings.INSTALLED_APPS)")

    assert run(show, {**DEPLOYED, **given}).stdout == f"{there}\n"


def test_every_cookie_belongs_to_this_host_alone_with_https() -> None:
    script = (
        "from conveyor import settings as s; print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.LANGUAGE_COOKIE_NAME)"
    )

    names = run((sys.executable, "-c", script), DEPLOYED).stdout.split()

    assert [name for name in names if name.startswith("__Host-")] == names


def test_hsts_covers_subdomains_where_a_setting_says_so() -> None:
    show = (sys.executable, "-c", "from conveyor import settings; print(settings.SECURE_HSTS_INCLUDE_SUBDOMAINS)")

    assert run(show, DEPLOYED).stdout == "False\n"
    assert run(show, {**DEPLOYED, "HSTS_SUBDOMAINS": "True"}).stdout == "True\n"


def test_a_client_id_alone_is_a_mistake_even_in_development() -> None:
    found = run(LOAD, {"DEBUG": "True", "DIGITAL_OCEAN_CLIENT_ID": "client"})

    assert "DIGITAL_OCEAN_CLIENT_SECRET is not set" in the_one_line(found.stderr)


def test_manage_py_stops_at_missing_secrets() -> None:
    found = run([*MANAGE, "migrate"], {})

    assert (found.returncode, found.stdout) == (78, "")
    line = the_one_line(found.stderr)
    assert all(name in line for name in SECRETS)


def test_gunicorn_stops_at_missing_secrets_instead_of_trying_again(tmp_path: Path) -> None:
    found = run(GUNICORN, {"PORT": str(free_port())})

    assert found.returncode == 78
    assert all(name in the_one_line(found.stderr) for name in SECRETS)


def test_gunicorn_stops_at_a_bad_port() -> None:
    found = run(GUNICORN, {**DEPLOYED, "PORT": "70000"})

    assert found.returncode == 78
    assert "PORT is malformed" in the_one_line(found.stderr)


def test_gunicorn_stops_where_static_files_are_not_collected(tmp_path: Path) -> None:
    found = run(GUNICORN, {**DEPLOYED, "PORT": str(free_port()), "STATIC_ROOT": str(tmp_path)})

    assert found.returncode == 78
    line = the_one_line(found.stderr)
    assert "python manage.py collectstatic" in line
    assert "conveyor.E001" in line


def test_a_check_finds_static_files_that_are_not_collected(tmp_path: Path) -> None:
    given = {**DEPLOYED, "STATIC_ROOT": str(tmp_path)}

    assert "(conveyor.E001)" in run([*MANAGE, "check", "--deploy"], given).stderr
    assert run([*MANAGE, "collectstatic", "--no-input"], given).returncode == 0
    assert run([*MANAGE, "check", "--deploy"], given).returncode == 0


@pytest.mark.parametrize("content", ["SECRET_KEY=abc\nhunter2 and more", "hunter2: yes", "{hunter2", "hunter2 = 1"])
def test_a_malformed_env_file_is_named_by_line(tmp_path: Path, content: str) -> None:
    file = tmp_path / ".env"
    file.write_text(content)

    found = run(LOAD, {**DEPLOYED, "ENV_FILE": str(file)})

    assert found.returncode == 78
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
    file.write_text("  # a comment\n  \nexport SECRET_KEY='from the file'\nDEBUG=True\nTIME=1\n")
    show = (sys.executable, "-c", "from conveyor import settings; print(settings.SECRET_KEY, settings.DEBUG)")

    assert run(show, {"ENV_FILE": str(file)}).stdout == "from the file True\n"
    assert run(show, {"ENV_FILE": str(file), "SECRET_KEY": "given"}).stdout == "given True\n"
