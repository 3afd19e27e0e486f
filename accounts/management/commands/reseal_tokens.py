"""`manage.py reseal_tokens`: after a new key has been put first in TOKEN_KEYS, before the old one is taken away."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from accounts import key_rotation

_PASSES = 5
"""A pair stored while we looked may come from a process that still has the older key first: look again, not forever."""


class Command(BaseCommand):
    help = (
        "Seals every stored token with the first of TOKEN_KEYS. May be stopped and started again at any time, and run "
        "beside everything else. Exit code 1 when something is left that the first key does not open."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        counts: Counter[str] = Counter()
        left = list(key_rotation.encrypted_rows())
        for _ in range(_PASSES):
            again = []
            for model, pk in tqdm(left, unit="", disable=None, file=self.stderr):
                outcome, name = key_rotation.reencrypt(model, pk)
                if outcome == "changed":
                    again.append((model, pk))
                else:
                    counts[outcome] += 1
                    if outcome == "lost":
                        self.stdout.write(f"No key opens: {name}")
            left = [(model, pk) for model, pk in again if model.objects.filter(pk=pk).exists()]
            if not left:
                break
        self.stdout.write(
            f"{counts['encrypted']} sealed anew, {counts['current']} were current, {counts['lost']} cannot be opened"
        )
        if counts["lost"] or left:
            raise CommandError(
                "Not everything is sealed with the first key: keep the older keys in TOKEN_KEYS, and run this again "
                "with the key that is missing (connections that no key opens ask to be reconnected)"
            )
