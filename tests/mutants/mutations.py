"""The mistakes that `make mutants` tries, and the tests that have to notice them.

`old` occurs once in the file. Keep the tests of a mistake few: each is run on its own.
"""

from __future__ import annotations

from dataclasses import dataclass

TOKENS = "tests/accounts/test_tokens.py"
SPILL = "tests/accounts/test_spill.py"
CONNECTIONS = "tests/accounts/test_connections.py"
REVOCATIONS = ("tests/accounts/test_revocations.py", "tests/accounts/test_refresh_tokens.py", CONNECTIONS)
ENCRYPTION = "tests/accounts/test_encryption.py"
SENDING = "tests/droplets/actions/test_sending.py"
MERGE = "tests/droplets/fleet/test_merge.py"
SERVICE = "tests/droplets/fleet/test_service.py"
JOBS = "tests/droplets/jobs/test_advance.py"
JOBS_IN_TIME = "tests/droplets/jobs/test_time.py"
QUEUES = "tests/service/test_queues.py"


@dataclass(frozen=True)
class Mutation:
    """`old` becomes `new` in `file`; one of `tests` has to fail."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


MUTATIONS = (
    # Tokens: each pair refreshed exactly once
    Mutation(
        "tokens: a lease is taken although another one holds it",
        "accounts/tokens.py",
        "Q(lease_until=None) | Q(lease_until__lt=now)",
        "Q()",
        (TOKENS,),
    ),
    Mutation(
        "tokens: a lease is taken before the time to try again",
        "accounts/tokens.py",
        "Q(retry_at=None) | Q(retry_at__lte=now)",
        "Q()",
        (TOKENS,),
    ),
    Mutation(
        "tokens: a process that slept past its lease sends",
        "accounts/tokens.py",
        "if monotonic() - self.taken_at > LEASE.total_seconds() - oauth.TIMEOUT - 1:",
        "if False:",
        (TOKENS,),
    ),
    Mutation(
        "tokens: a pair refreshed a moment ago is spent again",
        "accounts/tokens.py",
        "now < connection.refreshed_at + REFRESH_PAUSE:",
        "False:",
        (TOKENS,),
    ),
    Mutation(
        "tokens: a connection that needs its owner is tried again",
        "accounts/tokens.py",
        "if connection.state == Connection.State.NEEDS_RECONNECT:\n        return errors",
        "if False:\n        return errors",
        (TOKENS,),
    ),
    Mutation(
        "tokens: a waiting pair is not stored before a refresh",
        "accounts/tokens.py",
        "not refreshed_pairs.store_leftovers(connection) and ",
        "",
        ("tests/service/test_kill.py::test_killed_in_a_refresh",),
    ),
    Mutation(
        "pairs: compared with no generation",
        "accounts/token_store.py",
        "pk=connection.pk, generation=connection.generation).update(\n        generation",
        "pk=connection.pk).update(\n        generation",
        (TOKENS,),
    ),
    Mutation(
        "pairs: a pair that is not wanted any more is forgotten",
        "accounts/refreshed_pairs.py",
        "            late = _enqueue(data, connection)\n",
        "            return False\n",
        (TOKENS,),
    ),
    Mutation(
        "pairs: the file stays after the pair is stored",
        "accounts/refreshed_pairs.py",
        "    written.done()\n",
        "",
        (TOKENS, SPILL, "tests/service/test_kill.py"),
    ),
    Mutation(
        "spill: a file that another process works on is stored too",
        "accounts/spill.py",
        "fcntl.LOCK_EX | fcntl.LOCK_NB",
        "fcntl.LOCK_UN",
        (SPILL,),
    ),
    Mutation(
        "spill: the file is not encrypted",
        "accounts/spill.py",
        'encrypt(text, field="spill", uid=f"{self.kind}.{self.key}").encode()',
        "text.encode()",
        (SPILL,),
    ),
    # Revocations: none is forgotten, none is sent twice at once
    Mutation(
        "revocations: forgotten after a failure",
        "accounts/revocations.py",
        "            yield pk, _retry_later(row, answer, self._actor)",
        "            row.delete()\n            yield pk, answer",
        REVOCATIONS,
    ),
    Mutation(
        "revocations: sent by two at once",
        "accounts/revocations.py",
        "free = Revocation.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now), pk=pk)",
        "free = Revocation.objects.filter(pk=pk)",
        REVOCATIONS,
    ),
    Mutation(
        "revocations: a refresh token that still works is left alone",
        "accounts/revocations.py",
        'if step == "revoke" and row.token_secret:',
        "if False:",
        REVOCATIONS,
    ),
    # Encryption
    Mutation(
        "encryption: the text of one column decrypts in another",
        "accounts/encryption.py",
        "if (own_field, own_uid) != (field, uid):",
        "if own_uid != uid:",
        (ENCRYPTION,),
    ),
    Mutation(
        "encryption: the text of one owner decrypts for another",
        "accounts/encryption.py",
        "if (own_field, own_uid) != (field, uid):",
        "if own_field != field:",
        (ENCRYPTION,),
    ),
    Mutation(
        "encryption: every key counts as the first",
        "accounts/encryption.py",
        "    except InvalidToken:\n        return False",
        "    except InvalidToken:\n        return True",
        (ENCRYPTION, "tests/accounts/test_reseal_tokens.py"),
    ),
    # The fleet: nothing gone because a page failed, nothing counted twice
    Mutation(
        "merge: droplets of a page that failed are gone",
        "droplets/fleet/merge.py",
        "result.droplets + outdated, old=old",
        "result.droplets, old=old",
        (MERGE,),
    ),
    Mutation(
        "merge: droplets that nobody saw for a day are shown",
        "droplets/fleet/merge.py",
        "if missing and _is_usable(at, now):",
        "if missing:",
        (MERGE,),
    ),
    Mutation(
        "fleet: a droplet read through two connections counts twice",
        "droplets/fleet/service.py",
        "items.setdefault((source.team.key, ",
        "items.setdefault((str(source.connection.pk), ",
        (SERVICE,),
    ),
    # Actions: recorded first, sent once
    Mutation(
        "actions: one key sends twice",
        "droplets/actions/sending.py",
        "    if known := known_by(connection, key):\n        return known\n    # While",
        "    # While",
        (SENDING,),
    ),
    Mutation(
        "actions: the connection is not read again before sending",
        "droplets/actions/sending.py",
        "connection = Connection.objects.for_user(connection.user).get(pk=connection.pk)",
        "pass",
        (SENDING,),
    ),
    Mutation(
        "actions: a row that is being sent is sent again",
        "droplets/actions/sending.py",
        "Action.objects.filter(pk=row.pk, status=Action.Status.RECORDED)",
        "Action.objects.filter(pk=row.pk)",
        (SENDING,),
    ),
    Mutation(
        "actions: a process that slept past its time sends",
        "droplets/actions/sending.py",
        "    row.status = Action.Status.SENDING\n",
        "    row.status = Action.Status.SENDING\n    deadline = monotonic() + TIMEOUT\n",
        (SENDING,),
    ),
    Mutation(
        "actions: a lost answer counts as refused",
        "droplets/actions/sending.py",
        "if isinstance(error, _UNDECIDED) or (error.status or 0) >= 500 or error.status == 408:",
        "if False:",
        (SENDING,),
    ),
    # Jobs: each droplet once, by one worker at a time
    Mutation(
        "jobs: a part is taken although another worker has just taken it",
        "droplets/jobs/advance.py",
        "filter(pk=part.pk, due_at=part.due_at).update(due_at=at)",
        "filter(pk=part.pk).update(due_at=at)",
        (JOBS,),
    ),
    Mutation(
        "jobs: a worker that has lost its lease sends",
        "droplets/jobs/advance.py",
        "filter(pk=part.pk, due_at=part.due_at).update(due_at=part.due_at)",
        "filter(pk=part.pk).update(due_at=part.due_at)",
        (JOBS,),
    ),
    Mutation(
        "jobs: what was cancelled meanwhile is sent",
        "droplets/jobs/advance.py",
        "JobStep.objects.select_for_update().filter(state=State.WAITING)",
        "JobStep.objects.select_for_update()",
        (JOBS,),
    ),
    Mutation(
        "jobs: the access is not looked at again before sending",
        "droplets/jobs/advance.py",
        "    if _why_not(part, fresh) or fresh is None:",
        "    if fresh is None:",
        (JOBS,),
    ),
    Mutation(
        "jobs: while DigitalOcean is ill as many are sent as before",
        "droplets/jobs/advance.py",
        "(1 if part.ill_since else part.job.at_once)",
        "part.job.at_once",
        (JOBS,),
    ),
    Mutation(
        "jobs: no pause between two droplets",
        "droplets/jobs/advance.py",
        "if ended and part.job.pause:",
        "if False:",
        (JOBS,),
    ),
    Mutation(
        "jobs: two confirmations start it twice",
        "droplets/jobs/service.py",
        "Job.objects.filter(pk=found.job.pk, state=Job.State.DRAFT)",
        "Job.objects.filter(pk=found.job.pk)",
        (JOBS_IN_TIME,),
    ),
    Mutation(
        "jobs: a clock that is set back stops the job",
        "droplets/jobs/advance.py",
        "Q(due_at__lte=now) | Q(due_at__gt=now + _LATEST)",
        "Q(due_at__lte=now)",
        (JOBS_IN_TIME,),
    ),
    Mutation(
        "jobs: a clock that is set back stops the polling",
        "droplets/actions/polling.py",
        "Q(ask_at__lte=now) | Q(ask_at__gt=now + timing.LATEST)",
        "Q(ask_at__lte=now)",
        (JOBS_IN_TIME,),
    ),
    # The queues
    Mutation(
        "queues: a text that is no message ends the worker",
        "conveyor/queue_redis.py",
        "  # kombu's types do not have it\n        except _NO_MESSAGE",
        "\n        except ZeroDivisionError",
        (QUEUES,),
    ),
    Mutation(
        "queues: messages of watchers are sent before tokens are refreshed",
        "common/tasks.py",
        "QUEUES = (ACT, READ, KEEP, SEND)",
        "QUEUES = (ACT, READ, SEND, KEEP)",
        (QUEUES,),
    ),
)
