"""A destroyed droplet is told to its owner by an email that the workers send."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import TestCase
from django.utils import timezone
from kombu.exceptions import OperationalError

from common import tasks as common_tasks
from droplets.actions import emails
from droplets.models import Action
from tests.droplets.actions.acting import Acting
from tests.support.emails import emails_to
from tests.support.engine import run_tasks

SUBJECT = "Droplet db-primary was destroyed"


def destroy(acting: Acting) -> None:
    """By the page, up to the commit and the message to the workers."""
    with TestCase.captureOnCommitCallbacks(execute=True):
        acting.press("destroy", typed="db-primary")
    assert acting.row.status == "completed"


def told(acting: Acting) -> list[str]:
    return [text for text in emails_to(acting.person.email) if "destroyed" in text]


def make_due() -> None:
    Action.objects.exclude(email_due_at=None).update(email_due_at=timezone.now())


# Works


def test_the_workers_send_it_once(acting: Acting) -> None:
    destroy(acting)
    assert told(acting) == []
    make_due()

    assert "droplets.email_destroyed" in run_tasks(delayed=True)
    emails.email_destroyed(str(acting.connection.pk))

    [text] = told(acting)
    assert SUBJECT in text
    assert acting.row.email_due_at is None


def test_a_lost_message_is_sent_again_by_the_schedule(acting: Acting) -> None:
    destroy(acting)
    run_tasks()  # drops the message, as a worker that dies does
    with TestCase.captureOnCommitCallbacks(execute=True):
        emails.send_due_emails()
    run_tasks()
    assert told(acting) == []
    make_due()

    with TestCase.captureOnCommitCallbacks(execute=True):
        emails.send_due_emails()
    run_tasks()

    assert len(told(acting)) == 1


def test_several_of_a_team_are_one_email(acting: Acting) -> None:
    destroy(acting)
    run_tasks()
    row = acting.row
    for name in ("db-2", "db-3"):
        row.pk, row.key, row.droplet_name, row._state.adding = uuid4(), uuid4(), name, True
        row.save()
    make_due()

    emails.email_destroyed(str(acting.connection.pk))

    [text] = told(acting)
    assert "3 droplets of" in text
    assert "- db-2" in text
    assert not Action.objects.exclude(email_due_at=None).exists()


# Handles


def test_without_a_broker_it_is_sent_at_once(acting: Acting, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(common_tasks, "_paused_until", 0.0)
    monkeypatch.setattr(emails.email_destroyed, "apply_async", refuse)

    destroy(acting)

    assert len(told(acting)) == 1
    assert acting.row.email_due_at is None


def test_a_host_without_workers_sends_it_by_the_command(acting: Acting) -> None:
    destroy(acting)
    run_tasks()
    make_due()

    call_command("follow_actions", stdout=StringIO())

    assert len(told(acting)) == 1


def test_a_mail_server_that_is_down_is_tried_again_for_a_day(acting: Acting, settings: Any) -> None:
    destroy(acting)
    run_tasks()
    make_due()
    backend = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    mail.outbox.clear()

    emails.email_destroyed(str(acting.connection.pk))

    due = acting.row.email_due_at
    assert due is not None
    assert due > timezone.now()
    settings.EMAIL_BACKEND = backend
    make_due()
    emails.email_destroyed(str(acting.connection.pk))
    assert len(told(acting)) == 1


def test_it_is_given_up_after_a_day(acting: Acting, settings: Any) -> None:
    destroy(acting)
    run_tasks()
    Action.objects.update(ended_at=timezone.now() - timedelta(days=1, seconds=1))
    make_due()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9

    emails.email_destroyed(str(acting.connection.pk))

    assert acting.row.email_due_at is None


def test_a_disconnected_team_has_nobody_to_tell(acting: Acting) -> None:
    destroy(acting)
    run_tasks()
    make_due()
    acting.connection.account.delete()

    emails.email_destroyed(str(acting.connection.pk))

    assert told(acting) == []
    assert not Action.objects.exclude(email_due_at=None).exists()
