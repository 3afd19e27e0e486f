"""Acts of support on a whole account: access, sessions, email address, second factor, deactivation, deletion."""

from functools import partial

from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.utils import is_mfa_enabled
from allauth.usersessions.models import UserSession
from django.template.defaultfilters import pluralize

from accounts import access_revocation, audit, connections, second_factor_reset
from accounts.models import Connection, Event, User
from accounts.support.act import Act, ActRefused, Finish, Subject
from accounts.support.connection_acts import revoked


def _revoke_everything(subject: Subject) -> Finish:
    queued = access_revocation.revoke_access(subject.person, staff=subject.staff)
    ended = _end_all(subject.person)
    return lambda: f"{ended} {revoked(queued)}"


def _end_sessions(subject: Subject) -> Finish:
    ended = _end_all(subject.person)
    return lambda: ended


def _end_all(person: User) -> str:
    """End the sessions of a user; what was done in a sentence."""
    sessions = list(UserSession.objects.filter(user=person))
    for session in sessions:
        session.end()
    return f"{len(sessions)} session{pluralize(len(sessions))} ended." if sessions else "There was no session to end."


def _resend_confirmation(subject: Subject) -> Finish:
    address = EmailAddress.objects.filter(user=subject.person, verified=False).order_by("-primary").first()
    if address is None:
        raise ActRefused("Every email address of this user is confirmed.")
    return partial(_send_confirmation, subject, address)


def _send_confirmation(subject: Subject, address: EmailAddress) -> str:
    emails = Event.objects.filter(kind=Event.Kind.EMAIL, detail__startswith="email_confirmation", user=subject.person)
    before = emails.count()
    try:
        address.send_confirmation(subject.request)
    except ImmediateHttpResponse:
        return "The mail server did not accept the email. Try again in a few minutes."
    if emails.count() == before:
        return "No email was sent: too many were sent to this address in a short time. Try again in a few minutes."
    return "The confirmation email was sent again. Its link works in any browser after the user has typed the password."


def _all_confirmed(person: User, connection: Connection | None) -> str:
    if EmailAddress.objects.filter(user=person, verified=False).exists():
        return ""
    return "Every email address of this user is confirmed."


def _reset_second_factor(subject: Subject) -> Finish:
    return partial(_begin_reset, subject)


def _begin_reset(subject: Subject) -> str:
    """After the commit, because it sends an email."""
    try:
        second_factor_reset.begin(subject.staff, subject.person.email, subject.reason)
    except second_factor_reset.NotPossible as error:
        return f"The reset was not begun. {error}"
    return (
        "The request has your approval. A second staff member must approve it under Second factor resets; "
        "then the waiting time starts. The user was sent an email."
    )


def _has_no_second_factor(person: User, connection: Connection | None) -> str:
    # All three are always asked for, so that the person's page takes the same number of queries for everybody.
    is_on, can_be_emailed = is_mfa_enabled(person), second_factor_reset.can_be_emailed(person)
    if second_factor_reset.open_request(person):
        return "There is an open request: see Second factor resets."
    if not is_on:
        return "The user has no second factor."
    if not can_be_emailed:
        return "The user has no confirmed email address, so could neither stop nor finish the reset."
    return "" if person.is_active else "The account is deactivated."


def _deactivate(subject: Subject, revoke: bool) -> Finish:
    person = subject.person
    if not person.is_active:
        raise ActRefused("The account is deactivated already.")
    User.objects.filter(pk=person.pk).update(is_active=False)
    ended = _end_all(person)
    if not revoke:
        return lambda: f"The account is deactivated. {ended} Its tokens are kept, and neither refreshed nor used."
    queued = access_revocation.revoke_access(person, staff=subject.staff)
    return lambda: f"The account is deactivated. {ended} {revoked(queued)}"


def _is_inactive(person: User, connection: Connection | None) -> str:
    return "" if person.is_active else "The account is deactivated already."


def _reactivate(subject: Subject) -> Finish:
    if not User.objects.filter(pk=subject.person.pk, is_active=False).update(is_active=True):
        raise ActRefused("The account is active already.")
    return lambda: "The account is active again. The user can log in."


def _is_active(person: User, connection: Connection | None) -> str:
    return "The account is active already." if person.is_active else ""


def _delete(subject: Subject) -> Finish:
    email = str(subject.person)
    queued = connections.delete_user(subject.person, actor=audit.STAFF)
    return lambda: f"The account {email} was deleted. {revoked(queued)}"


_NO_LOG_IN = "The user is logged out everywhere and can no longer log in. Jobs, watchers and feeds stop."

ACCOUNT_ACTS = (
    Act(
        "end_sessions",
        "End all sessions",
        "end_sessions",
        ("The user is logged out in every browser, and has to log in again.",),
        "ended all your sessions: you are logged out in every browser. You can log in again",
        _end_sessions,
    ),
    Act(
        "resend_confirmation",
        "Resend the confirmation email",
        "resend_confirmation",
        ("The user gets the email that confirms the address once more. The link in the earlier one still works.",),
        "",
        _resend_confirmation,
        why_not=_all_confirmed,
    ),
    Act(
        "reset_second_factor",
        "Reset the second factor",
        "reset_second_factor",
        (
            "Write how you know that it is the user. This is the first of two approvals: another staff member gives "
            "the second one.",
            "Then a waiting time starts. The user gets an email at each step, and each has a link that stops it.",
        ),
        "",
        _reset_second_factor,
        why_not=_has_no_second_factor,
    ),
    Act(
        "revoke_everything",
        "Revoke everything",
        "revoke_everything",
        (
            "Conveyor revokes its tokens of all teams at DigitalOcean. The teams stay listed, and the user reconnects "
            "each of them with one click.",
            "The user is logged out in every browser. The address of the activity feed stops working.",
            "The droplets stay as they are.",
        ),
        "revoked Conveyor's access to all your DigitalOcean teams, and logged you out in every browser. To use a team "
        "again, log in and reconnect it on the Connections page. Your droplets stay as they are",
        _revoke_everything,
        is_destructive=True,
    ),
    Act(
        "deactivate",
        "Deactivate and pause",
        "deactivate_account",
        (
            _NO_LOG_IN,
            "The tokens are kept. While the account is deactivated they are neither refreshed nor used.",
        ),
        "deactivated your account. You cannot log in, and Conveyor does not read your teams",
        partial(_deactivate, revoke=False),
        why_not=_is_inactive,
    ),
    Act(
        "deactivate_and_revoke",
        "Deactivate and revoke",
        "deactivate_account",
        (
            _NO_LOG_IN,
            "Conveyor revokes its tokens of all teams at DigitalOcean. After a reactivation the user has to reconnect "
            "each team.",
        ),
        "deactivated your account, and revoked Conveyor's access to all your DigitalOcean teams. You cannot log in",
        partial(_deactivate, revoke=True),
        why_not=_is_inactive,
        is_destructive=True,
    ),
    Act(
        "reactivate",
        "Reactivate",
        "reactivate_account",
        ("The user can log in again. Teams whose tokens were kept are read and refreshed again.",),
        "reactivated your account. You can log in again",
        _reactivate,
        why_not=_is_active,
    ),
    Act(
        "delete",
        "Delete the account",
        "delete_account",
        (
            "This cannot be undone. The account, its connections, saved views, watchers and jobs are deleted.",
            "Conveyor revokes its tokens at DigitalOcean. The droplets stay as they are.",
            "The audit log stays, without the user's name.",
        ),
        "deleted your Conveyor account and revoked its access to your DigitalOcean teams. Your droplets stay as they "
        "are",
        _delete,
        is_destructive=True,
    ),
)
