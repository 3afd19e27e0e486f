"""Too many wrong passwords lock out who typed them, and not the owner of the account."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache

from accounts import lockout
from tests.support.pages import says
from tests.support.person import PASSWORD, Person
from tests.support.sandbox import Sandbox
from tests.support.stored import session_of

LOG_IN = "/accounts/login/"
HOME, CAFE = "192.0.2.7", "198.51.100.9"


def log_in(person: Person, password: str, address: str) -> Any:
    return person.client.post(LOG_IN, {"login": person.email, "password": password}, REMOTE_ADDR=address)


def is_logged_in(person: Person) -> bool:
    return "_auth_user_id" in session_of(person.client)


@pytest.fixture
def stranger(alice: Person, digitalocean: Sandbox) -> Person:
    """Somebody who tries passwords for Alice's address, five of them wrong by now."""
    cache.clear()
    person = Person(digitalocean, alice.email)
    for number in range(5):
        log_in(person, f"wrong {number}", CAFE)
    return person


def test_the_owner_gets_in_from_another_network(stranger: Person, alice: Person, digitalocean: Sandbox) -> None:
    phone = Person(digitalocean, alice.email)

    log_in(phone, PASSWORD, HOME)

    assert is_logged_in(phone)


@pytest.mark.parametrize("address", [CAFE, "198.51.100.200"])
def test_the_same_network_is_locked_out(stranger: Person, alice: Person, digitalocean: Sandbox, address: str) -> None:
    neighbour = Person(digitalocean, alice.email)

    answer = log_in(neighbour, PASSWORD, address)

    assert says(answer, "Too many failed login attempts")
    assert not is_logged_in(neighbour)


def test_an_ipv6_site_is_one_network(alice: Person, digitalocean: Sandbox) -> None:
    cache.clear()
    person = Person(digitalocean, alice.email)
    for number in range(5):
        log_in(person, "wrong", f"2001:db8:1:2::{number + 1:x}")

    assert says(log_in(person, PASSWORD, "2001:db8:1:2:ffff::1"), "Too many failed login attempts")
    log_in(person, PASSWORD, "2001:db8:1:3::1")
    assert is_logged_in(person)


def test_a_known_browser_passes_in_the_same_network(stranger: Person, alice: Person) -> None:
    alice.log_out()

    log_in(alice, PASSWORD, CAFE)

    assert is_logged_in(alice)


def test_a_known_browser_has_a_limit_of_its_own(alice: Person) -> None:
    alice.log_out()
    cache.clear()
    for number in range(5):
        log_in(alice, f"wrong {number}", HOME)

    assert says(log_in(alice, PASSWORD, HOME), "Too many failed login attempts")


def test_a_browser_is_known_for_its_own_account_alone(alice: Person, bob: Person, digitalocean: Sandbox) -> None:
    alice.log_out()
    cookie = alice.client.cookies[lockout.COOKIE]
    assert alice.email not in cookie.value
    cache.clear()
    stranger = Person(digitalocean, bob.email)
    for number in range(5):
        log_in(stranger, f"wrong {number}", CAFE)

    alice.email = bob.email

    assert says(log_in(alice, PASSWORD, CAFE), "Too many failed login attempts")


def test_many_networks_together_have_a_limit_too(alice: Person, digitalocean: Sandbox) -> None:
    cache.clear()
    person = Person(digitalocean, alice.email)
    for number in range(100):
        log_in(person, "wrong", f"203.0.{number}.1")

    assert says(log_in(person, PASSWORD, "203.0.200.1"), "Too many failed login attempts")
    alice.log_out()
    log_in(alice, PASSWORD, HOME)  # the owner's browser is known
    assert is_logged_in(alice)
