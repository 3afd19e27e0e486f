"""`manage.py reseal_tokens`: run it after a new key was put first in TOKEN_KEYS, before the old one is removed."""

from collections import Counter
from typing import Any

from django.core.management.base import CommandError
from tqdm import tqdm

from accounts import key_rotation
from common.commands import OperatorCommand
from common.exit_codes import ExitCode

_PASSES = 5
"""Rounds. A pair that was stored meanwhile may come from a process that still encrypts with the older key."""


class Command(OperatorCommand):
    help = (
        "Encrypts every stored token with the first of TOKEN_KEYS. You can stop it and start it again, while Conveyor "
        "runs. Exit code: 0 all done, 78 something is left that no key decrypts, 75 other processes still store with "
        "an older key, 69 the database does not answer."
    )

    def work(self, **options: Any) -> None:
        counts: Counter[str] = Counter()
        left = list(key_rotation.encrypted_rows())
        for _ in range(_PASSES):
            again = []
            for model, pk in tqdm(left, unit="", disable=None, file=self.stderr):
                if self.stop:
                    return
                outcome, name = key_rotation.reencrypt(model, pk)
                if outcome == "changed":
                    again.append((model, pk))
                else:
                    counts[outcome] += 1
                    if outcome == "lost":
                        self.stdout.write(f"No key decrypts: {name}")
            left = [(model, pk) for model, pk in again if model._default_manager.filter(pk=pk).exists()]
            if not left:
                break
        self.stdout.write(
            f"{counts['encrypted']} encrypted again, {counts['current']} were current, "
            f"{counts['lost']} cannot be decrypted"
        )
        if counts["lost"]:
            raise CommandError(
                "Not everything is encrypted with the first key: keep the older keys in TOKEN_KEYS, and run this again "
                "with the key that is missing (connections that no key decrypts ask to be connected again)",
                returncode=ExitCode.CONFIGURATION,
            )
        if left:
            raise CommandError(
                "Other processes still store tokens with an older key: restart them with the new one first in "
                "TOKEN_KEYS, and run this again",
                returncode=ExitCode.WAITING,
            )
