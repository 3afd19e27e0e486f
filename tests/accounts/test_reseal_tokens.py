"""`manage.py reseal_tokens`, and what a lost key does."""

from __future__ import annotations

from io import StringIO
from time import monotonic
from typing import Any

import pytest
from allauth.socialaccount.models import SocialToken
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from accounts import key_rotation, revocations, tokens
from accounts.models import Connection, Event
from digitalocean_client import errors
from tests.accounts.test_tokens import expire, stored_pair, token_for
from tests.support.person import Person
from tests.support.sandbox import Sandbox

NEW_KEY = Fernet.generate_key().decode()


def run() -> str:
    out = StringIO()
    call_command("reseal_tokens", stdout=out, stderr=StringIO())
    return out.getvalue()


def test_it_moves_everything_to_the_first_key(alice: Person, digitalocean: Sandbox, settings: Any) -> None:
    connection = alice.connect()
    grant = revocations.enqueue("doo_v1_queued", "dor_v1_queued", expires_at=None, reason="test")
    pair = stored_pair(connection)
    settings.TOKEN_KEYS = [NEW_KEY, *settings.TOKEN_KEYS]

    printed = run()

    assert printed.startswith("2 encrypted again, 0 were current, 0 cannot be decrypted")
    settings.TOKEN_KEYS = [NEW_KEY]
    assert stored_pair(connection) == pair
    grant.refresh_from_db()
    assert revocations.decrypt_pair(grant) == ("doo_v1_queued", "dor_v1_queued")
    assert Event.objects.filter(kind=Event.Kind.REENCRYPT, connection_id=connection.pk).count() == 1


def test_it_can_be_stopped_and_started_again(alice: Person, digitalocean: Sandbox, settings: Any) -> None:
    for team in ("Acme Web", "Northwind"):
        alice.connect(team)
    settings.TOKEN_KEYS = [NEW_KEY, *settings.TOKEN_KEYS]
    model, pk = next(key_rotation.encrypted_rows())
    key_rotation.reencrypt(model, pk)

    assert run().startswith("1 encrypted again, 1 were current")
    assert run().startswith("0 encrypted again, 2 were current")


def test_it_does_not_get_in_the_way_of_a_refresh(alice: Person, digitalocean: Sandbox, settings: Any) -> None:
    """Encrypted again between the lease and the answer: the generation is the same, so the new pair is stored."""
    connection, ready = alice.connect("Acme Web"), alice.connect("Northwind")
    expire(connection)
    answers = tokens.access_tokens(alice.connections, deadline=monotonic() + 20)
    assert next(answers)[0] == ready  # the other's refresh is sent; its answer is stored when it is asked for
    settings.TOKEN_KEYS = [NEW_KEY, *settings.TOKEN_KEYS]
    run()

    [(_, token)] = answers

    assert token == stored_pair(connection)[0]
    live = [(grant.access_token, grant.refresh_token) for grant in digitalocean.live_grants()]
    assert sorted(live) == sorted([stored_pair(connection), stored_pair(ready)])


def test_a_pair_that_is_stored_meanwhile_wins(
    alice: Person, digitalocean: Sandbox, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = alice.connect()
    settings.TOKEN_KEYS = [NEW_KEY, *settings.TOKEN_KEYS]
    real = key_rotation.decrypt

    def refreshed_in_between(*args: Any, **kwargs: Any) -> str:
        monkeypatch.setattr(key_rotation, "decrypt", real)
        expire(connection)
        token_for(connection)
        return real(*args, **kwargs)

    monkeypatch.setattr(key_rotation, "decrypt", refreshed_in_between)
    run()

    [grant] = digitalocean.live_grants()
    assert stored_pair(connection) == (grant.access_token, grant.refresh_token)


def test_a_lost_key_is_told_and_exits_with_1(alice: Person, digitalocean: Sandbox, settings: Any) -> None:
    alice.connect()
    settings.TOKEN_KEYS = [NEW_KEY]

    with pytest.raises(CommandError, match="keep the older keys"):
        run()


def test_a_lost_key_asks_to_reconnect_and_nothing_else_breaks(
    alice: Person, digitalocean: Sandbox, settings: Any
) -> None:
    connection = alice.connect()
    old_keys = settings.TOKEN_KEYS
    settings.TOKEN_KEYS = [NEW_KEY]

    assert isinstance(token_for(connection), errors.NeedsReconnect)
    page = alice.client.get("/accounts/3rdparty/").content.decode()
    assert "Reconnect needed" in page
    assert "Conveyor can no longer decrypt this connection" in page
    assert alice.client.get("/droplets/").status_code == 200

    # A key that comes back (a host that was started without it) finds its connections in order.
    settings.TOKEN_KEYS = old_keys
    assert isinstance(token_for(connection), str)

    settings.TOKEN_KEYS = [NEW_KEY]
    again = alice.connect()
    assert again.pk == connection.pk
    assert isinstance(token_for(again), str)


def test_an_encrypted_text_copied_elsewhere_does_not_decrypt(alice: Person, digitalocean: Sandbox) -> None:
    one, other = alice.connect("Acme Web"), alice.connect("Northwind")
    assert one.token
    assert other.token
    SocialToken.objects.filter(pk=other.token.pk).update(token=one.token.token)
    assert isinstance(token_for(other), errors.NeedsReconnect)

    SocialToken.objects.filter(pk=one.token.pk).update(token_secret=one.token.token)
    assert isinstance(token_for(one), errors.NeedsReconnect)


def test_nothing_is_lost_for_good_by_a_look_without_the_key(
    alice: Person, digitalocean: Sandbox, settings: Any
) -> None:
    alice.connect()
    settings.TOKEN_KEYS = [NEW_KEY]

    list(tokens.access_tokens(alice.connections, deadline=monotonic() + 5))

    assert Connection.objects.get().state == Connection.State.HEALTHY
