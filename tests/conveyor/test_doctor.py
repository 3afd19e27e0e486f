"""`manage.py doctor`: each check finds what is right and what is wrong, says what to do, and shows no secret."""

from __future__ import annotations

import smtplib
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.utils import timezone

from common.exit_codes import ExitCode
from common.tasks import QUEUES
from conveyor.doctor import digitalocean as digitalocean_checks
from conveyor.doctor import email, host, workers
from conveyor.doctor.findings import Finding, Level, exit_code, run
from droplets.models import TeamReading
from tests.support.engine import engine
from tests.support.person import Person
from tests.support.programs import DEPLOYED, MANAGE, free_port
from tests.support.programs import run as run_program
from tests.support.redis_server import RedisServer
from tests.support.sandbox import Sandbox
from tests.support.waiting import wait_until


def levels(findings: Iterator[Finding] | Sequence[Finding], name: str = "") -> list[Level]:
    return [finding.level for finding in findings if name in ("", finding.name)]


def the_problem(findings: Iterator[Finding]) -> Finding:
    [found] = [finding for finding in findings if finding.level == Level.PROBLEM]
    assert found.advice
    assert "hunter2" not in str(found)
    return found


@contextmanager
def mail_server(*, refuses: bool = False) -> Iterator[tuple[int, list[str]]]:
    """A mail server that keeps messages, or refuses the sender. Yields its port and the lines that it was sent."""
    received: list[str] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rw", encoding="utf-8", newline="\r\n") as talk:
                _talk(talk, received, refuses=refuses)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], received
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def _talk(talk: Any, received: list[str], *, refuses: bool) -> None:
    def say(line: str) -> None:
        talk.write(f"{line}\r\n")
        talk.flush()

    say("220 mail.example.com")
    while line := talk.readline():
        received.append(line.rstrip())
        match line.split()[0].upper():
            case "DATA":
                say("354 go on")
                while (text := talk.readline().rstrip()) != ".":
                    received.append(text)
                say("250 ok")
            case "QUIT":
                say("221 bye")
                return
            case "MAIL" if refuses:
                say("550 not hunter2")
            case _:
                say("250 ok")


@pytest.fixture
def smtp(settings: Any) -> Any:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    return settings


# Works


def test_a_client_and_a_callback_that_digitalocean_accepts(digitalocean: Sandbox, settings: Any) -> None:
    settings.BASE_URL = "http://127.0.0.1:8000"

    assert levels(digitalocean_checks.check_client()) == [Level.OK]
    assert levels(digitalocean_checks.check_callback()) == [Level.OK]
    assert levels(digitalocean_checks.check_clock()) == [Level.OK]


def test_a_database_that_is_up_to_date_and_whose_tokens_can_be_decrypted(alice: Person) -> None:
    alice.connect()

    found = list(host.check_database())

    assert levels(found) == [Level.OK] * 3
    assert "1 stored tokens" in found[-1].text


def test_directories_that_can_be_written_to() -> None:
    assert Level.PROBLEM not in levels(host.check_directories())


def test_redis_that_answers(redis: RedisServer) -> None:
    assert levels(host.check_cache()) == [Level.OK]


def test_a_mail_server_that_answers(smtp: Any) -> None:
    with mail_server() as (port, received):
        smtp.EMAIL_PORT = port

        assert levels(email.check_email()) == [Level.OK]

    assert not any(line.startswith("MAIL") for line in received)


def test_a_message_is_sent_to_the_given_address(smtp: Any) -> None:
    with mail_server() as (port, received):
        smtp.EMAIL_PORT = port

        assert levels(email.check_email("ops@example.com")) == [Level.OK]

    assert "To: ops@example.com" in received
    assert "Subject: Conveyor can send emails" in received


def test_a_worker_answers_on_each_queue(transactional_db: None, tmp_path: Path) -> None:
    with engine("worker", "--concurrency", "1", log=tmp_path / "worker.log") as running:
        wait_until(lambda: "ready" in running.output, seconds=60)

        found = list(workers.check_workers())

    assert levels(found, "Broker") == [Level.OK]
    assert levels(found, "Workers") == [Level.OK] * len(QUEUES)


# Refuses


def test_a_client_that_digitalocean_does_not_accept(digitalocean: Sandbox, settings: Any) -> None:
    settings.DIGITAL_OCEAN_CLIENT_SECRET = "hunter2"

    found = the_problem(digitalocean_checks.check_client())

    assert found.code == ExitCode.CREDENTIALS
    assert "DIGITAL_OCEAN_CLIENT_SECRET" in found.advice


def test_a_callback_that_is_not_registered(digitalocean: Sandbox, settings: Any) -> None:
    settings.BASE_URL = "https://elsewhere.example.com"

    found = the_problem(digitalocean_checks.check_callback())

    assert found.code == ExitCode.CONFIGURATION
    assert "https://elsewhere.example.com/accounts/digitalocean/login/callback/" in found.text


@pytest.mark.parametrize("minutes", [-5, 5])
def test_a_clock_that_differs(settings: Any, minutes: int) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(401)
            self.send_header("Date", format_datetime(timezone.now() + timedelta(minutes=minutes), usegmt=True))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.DIGITAL_OCEAN_API_URL = f"http://127.0.0.1:{server.server_port}/v2"

        found = the_problem(digitalocean_checks.check_clock())
        server.shutdown()

    assert found.code == ExitCode.CONFIGURATION
    assert "seconds" in found.text


def test_a_key_that_is_missing(alice: Person, settings: Any) -> None:
    alice.connect()
    settings.TOKEN_KEYS = [Fernet.generate_key().decode()]

    assert "1 of 1 stored tokens" in the_problem(host.check_database()).text


def test_a_directory_that_cannot_be_written_to(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings.SPILL_DIR = tmp_path / "file" / "spill"

    found = the_problem(host.check_directories())

    assert "SPILL_DIR" in found.text


def test_an_address_that_is_none() -> None:
    with pytest.raises(CommandError) as caught:
        call_command("doctor", email="nobody", stdout=StringIO())

    assert caught.value.returncode == ExitCode.WRONG_OPTION


# Handles


def test_a_mail_server_that_refuses_the_sender(smtp: Any) -> None:
    with mail_server(refuses=True) as (port, _):
        smtp.EMAIL_PORT = port

        found = the_problem(email.check_email("ops@example.com"))

    assert "SMTPSenderRefused 550" in found.text
    assert "DEFAULT_FROM_EMAIL" in found.advice


def test_a_mail_server_that_is_away(smtp: Any) -> None:
    smtp.EMAIL_PORT = free_port()

    found = the_problem(email.check_email())

    assert found.code == ExitCode.UNAVAILABLE
    assert "EMAIL_URL" in found.advice


def test_a_wrong_password_has_its_own_advice() -> None:
    assert "password" in email._advice(smtplib.SMTPAuthenticationError(535, b"no"))


def test_redis_that_is_away(redis: RedisServer) -> None:
    redis.stop()

    assert the_problem(host.check_cache()).code == ExitCode.UNAVAILABLE


def test_no_worker(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "SECONDS", 0.5)

    found = [finding for finding in workers.check_workers() if finding.name == "Workers"]

    assert levels(found) == [Level.PROBLEM] * len(QUEUES)
    assert "celery -A conveyor worker" in found[0].advice
    with current_app.connection_for_read() as broker:
        for queue in QUEUES:
            broker.default_channel.queue_purge(queue)  # type: ignore[attr-defined]  # no worker takes them


def test_work_that_nobody_does(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = alice.connect()
    TeamReading.objects.update_or_create(
        connection=connection, defaults={"due_at": timezone.now() - timedelta(minutes=20)}
    )

    [found] = workers._check_schedule()

    assert found.level == Level.NOTE
    assert "readings of teams have been due for 20 minutes" in found.text


def test_an_answer_to_another_queue_than_a_doctor_s_is_not_sent() -> None:
    workers.answer_doctor("act")


def test_digitalocean_that_is_away(settings: Any) -> None:
    settings.DIGITAL_OCEAN_OAUTH_URL = f"http://127.0.0.1:{free_port()}/v1/oauth"
    settings.DIGITAL_OCEAN_API_URL = f"http://127.0.0.1:{free_port()}/v2"

    for check in (
        digitalocean_checks.check_client,
        digitalocean_checks.check_callback,
        digitalocean_checks.check_clock,
    ):
        assert the_problem(check()).code == ExitCode.UNAVAILABLE


def test_a_check_that_fails_shows_no_text_of_its_exception() -> None:
    def broken() -> Iterator[Finding]:
        raise ValueError("hunter2")
        yield

    assert "ValueError" in the_problem(run("Broken", broken)).text


def test_of_several_problems_the_one_that_needs_a_person_most_decides() -> None:
    def problem(code: ExitCode) -> Finding:
        return Finding("x", Level.PROBLEM, "", "", code)

    assert exit_code([problem(ExitCode.UNAVAILABLE), problem(ExitCode.CREDENTIALS)]) == ExitCode.CREDENTIALS
    assert exit_code([problem(ExitCode.UNAVAILABLE), problem(ExitCode.CONFIGURATION)]) == ExitCode.CONFIGURATION
    assert exit_code([Finding("x", Level.NOTE, "")]) == ExitCode.DONE


def test_a_host_where_nothing_answers(tmp_path: Path) -> None:
    """As a process: each part is named with what to do, there is one exit code and no traceback."""
    nobody = f"http://127.0.0.1:{free_port()}"
    given = DEPLOYED | {
        "DATABASE_URL": "sqlite:////nowhere/at/all.sqlite3",
        "REDIS_URL": "redis://:hunter2@127.0.0.1:9/0",
        "EMAIL_URL": "smtp://user:hunter2@127.0.0.1:9",
        "DIGITAL_OCEAN_OAUTH_URL": f"{nobody}/v1/oauth",
        "DIGITAL_OCEAN_API_URL": f"{nobody}/v2",
        "SPILL_DIR": str(tmp_path / "spill"),
        "STATIC_ROOT": str(tmp_path / "static"),
    }

    found = run_program([*MANAGE, "doctor"], given)

    assert found.returncode == 78  # no static files are collected
    for name in ("Settings", "Database", "Redis", "Broker", "Email", "OAuth client", "Callback URL", "Clock"):
        assert f"problem  {name}: " in found.stdout, found.stdout
    assert "collectstatic" in found.stdout
    assert "Traceback" not in found.stdout + found.stderr
    assert "hunter2" not in found.stdout + found.stderr
