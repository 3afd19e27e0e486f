"""A process that refreshes many connections on a database of its own, steered over its standard input.

    {"do": "create", "pairs": [...]}  make a connection for each pair, whose access ends at once
    {"do": "refresh"}                 ask for a token of every connection; tells how many there are
    {"do": "states"}                  each connection's generation and state, and how many revocations wait
    {"do": "command"}                 run `refresh_tokens`; tells its exit code

Each is answered by one line of JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import timedelta
from time import monotonic
from typing import Any

import django


def create(pairs: Iterable[list[str]]) -> int:
    from allauth.socialaccount.models import SocialAccount
    from django.db import transaction
    from django.utils import timezone

    from accounts import token_store
    from accounts.models import Connection, User

    user = User.objects.create_user(email="many@example.com", password=None)
    ended = timezone.now() - timedelta(seconds=1)
    for number, (access_token, refresh_token) in enumerate(pairs):
        account = SocialAccount.objects.create(provider="digitalocean", uid=f"user-{number}:team", user=user)
        connection = Connection.objects.create(
            account=account, user_uuid=f"user-{number}", team_uuid="team", team_name=f"Team {number}"
        )
        with transaction.atomic():
            token_store.store(
                connection,
                access_token=access_token,
                refresh_token=refresh_token,
                expires_at=ended,
                scope="read",
                connected_at=ended - timedelta(days=30),
            )
    return Connection.objects.count()


def refresh() -> int:
    from accounts import tokens
    from accounts.models import Connection

    rows = list(Connection.objects.select_related("account__user", "token"))
    found = list(tokens.access_tokens(rows, deadline=monotonic() + 20))
    return sum(isinstance(token, str) for _, token in found)


def states() -> dict[str, Any]:
    from accounts.models import Connection, Revocation

    rows = Connection.objects.order_by("user_uuid").values_list("generation", "state")
    return {"connections": [list(row) for row in rows], "revocations": Revocation.objects.count()}


def command() -> int:
    from io import StringIO

    from django.core.management import call_command

    try:
        call_command("refresh_tokens", stdout=StringIO(), stderr=StringIO())
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


DO: dict[str, Any] = {"create": create, "refresh": refresh, "states": states, "command": command}


def main() -> None:
    django.setup()
    from django.db import close_old_connections

    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        close_old_connections()  # as each request does
        try:
            answer = DO[order.pop("do")](**order)
        except Exception as error:
            answer = {"error": type(error).__name__}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
