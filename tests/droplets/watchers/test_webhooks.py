"""Webhooks: what is posted, and where nothing is posted to."""

from __future__ import annotations

import hmac
import json
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from cryptography.fernet import Fernet
from django.core.management import call_command

from droplets.models import Delivery, Watcher
from droplets.watchers import webhooks
from tests.droplets.views.page import Page
from tests.droplets.watchers.watching import TEAM, Watching
from tests.support.programs import PROJECT
from tests.support.raw import Raw, http, raw
from tests.support.tls import certificate, tls_server

OK = http(b"ok")
NAME = "hook.example"


@pytest.fixture(autouse=True)
def _private(settings: Any) -> None:
    """The receivers of these tests are on this machine."""
    settings.WEBHOOK_PRIVATE = True


@pytest.fixture
def receiver() -> Iterator[Raw]:
    with raw(OK) as server:
        yield server


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Lets NAME lead to these addresses, another one at each look-up. Returns the list of look-ups."""

    def lead_to(*addresses: str | list[str]) -> list[str]:
        looked_up: list[str] = []
        real = socket.getaddrinfo

        def look_up(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
            if host != NAME:
                return real(host, port, *args, **kwargs)
            looked_up.append(host)
            found = addresses[min(len(looked_up), len(addresses)) - 1]
            return [
                (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port))
                for each in ([found] if isinstance(found, str) else found)
            ]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        return looked_up

    return lead_to


def happen(watching: Watching, url: str, **fields: Any) -> Watcher:
    """A watcher with an event that waits to be posted to this URL."""
    watcher = watching.add("new", **{"by_email": None, "webhook_url": url} | fields)
    watching.read()
    watching.sandbox.droplets(TEAM, add=1)
    watching.read()
    return watcher


def lead(watcher: Watcher, url: str) -> None:
    """Change where it posts to."""
    watcher.webhook_url = url
    watcher.save()


def new_secret(watching: Watching, watcher: Watcher) -> str:
    page = watching.person.client.post(f"/watchers/{watcher.pk}/secret/").content.decode()
    return re.findall(r'value="([\w-]{40,})"', page)[0]


def result(watching: Watching) -> tuple[str, str]:
    """How the only message stands after it was due."""
    watching.deliver()
    [message] = watching.messages()
    return message.status, message.result


# Works


def test_it_is_posted_and_signed(watching: Watching, receiver: Raw) -> None:
    watcher = happen(watching, f"{receiver.url}/services/T0?x=1")
    secret = new_secret(watching, watcher)

    assert result(watching) == ("sent", "")

    [request] = receiver.requests
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    assert first == "POST /services/T0?x=1 HTTP/1.1"
    assert headers["host"] == receiver.url.removeprefix("http://")
    signed = f"{headers['conveyor-timestamp']}.".encode() + body
    assert headers["conveyor-signature"] == f"sha256={hmac.new(secret.encode(), signed, 'sha256').hexdigest()}"
    found = json.loads(body)
    assert headers["conveyor-delivery"] == found["id"] == str(Delivery.objects.get().pk)
    assert (found["view"], found["condition"], found["count"], found["is_test"]) == ("Mine", "new", 1, False)
    [event] = found["events"]
    assert event["team"] == TEAM
    assert event["text"] in found["text"]


def test_the_check_in_the_documentation_is_right(watching: Watching, receiver: Raw) -> None:
    watcher = happen(watching, receiver.url)
    secret = new_secret(watching, watcher)
    watching.deliver()
    head, _, body = receiver.requests[0].partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    [code] = re.findall(r"```python\n(.*?)```", (PROJECT / "docs" / "watchers.md").read_text(), re.DOTALL)
    found: dict[str, Any] = {}
    exec(code, found)

    assert found["is_from_conveyor"](secret, headers, body)
    assert not found["is_from_conveyor"](secret, headers, body + b" ")
    assert not found["is_from_conveyor"](secret, headers | {"Conveyor-Timestamp": "1"}, body)


def test_a_secret_is_shown_once_and_stored_encrypted(watching: Watching, receiver: Raw) -> None:
    watcher = watching.add("new", webhook_url=receiver.url)
    old = Watcher.objects.get().secret

    secret = new_secret(watching, watcher)

    watcher.refresh_from_db()
    assert old != watcher.secret
    assert watcher.secret.startswith("gAAAA")
    assert secret not in watching.person.client.get(f"/watchers/{watcher.pk}/").content.decode()


def test_a_url_is_stored_encrypted_and_shown_masked(watching: Watching) -> None:
    url = "https://hooks.slack.com/services/T000/B000/abcdefghij1234"
    watcher = watching.add("new", webhook_url=url)

    row = Watcher.objects.values().get()
    assert "hooks" not in str(row)
    assert row["sealed_url"].startswith("gAAAA")
    pages = [watching.person.client.get(path).content.decode() for path in ("/watchers/", f"/watchers/{watcher.pk}/")]
    assert "Now https://hooks.slack.com/…1234." in pages[1]
    assert all("abcdefghij" not in page for page in pages)
    assert watcher.webhook_url == url


def test_an_empty_field_keeps_the_url(watching: Watching, receiver: Raw) -> None:
    watcher = watching.add("new", webhook_url=receiver.url)

    watching.send(f"/watchers/{watcher.pk}/", condition="gone", webhook_url="")
    watcher.refresh_from_db()
    assert (watcher.condition, watcher.webhook_url) == ("gone", receiver.url)

    watching.send(f"/watchers/{watcher.pk}/", webhook_url="http://other.invalid/x")
    watcher.refresh_from_db()
    assert watcher.webhook_url == "http://other.invalid/x"


def test_secrets_move_to_a_new_key(watching: Watching, receiver: Raw, settings: Any) -> None:
    happen(watching, receiver.url)
    old, new = settings.TOKEN_KEYS[0], Fernet.generate_key().decode()
    settings.TOKEN_KEYS = [new, old]

    call_command("reseal_tokens", stdout=StringIO(), stderr=StringIO())

    settings.TOKEN_KEYS = [new]
    assert result(watching) == ("sent", "")


def test_an_email_and_a_webhook_are_each_sent_once(watching: Watching, receiver: Raw) -> None:
    happen(watching, receiver.url, by_email="on")

    assert len(watching.told()) == 1
    watching.deliver(minutes=5)

    assert len(receiver.requests) == 1
    assert {message.status for message in watching.messages()} == {"sent"}


def test_a_name_is_text_for_slack(watching: Watching, receiver: Raw) -> None:
    watcher = watching.add("new", by_email=None, webhook_url=receiver.url)
    watching.read()
    watching.sandbox.droplets(TEAM, add=1)
    watching.sandbox.droplets(TEAM, patch=[{"index": 10, "set": {"name": "<!channel>\n<http://x.example|a&b>"}}])
    watching.read()
    watching.deliver()

    text = json.loads(receiver.requests[0].partition(b"\r\n\r\n")[2])["text"]

    assert text.splitlines() == [
        f"{watcher}",
        f"&lt;!channel&gt; &lt;http://x.example|a&amp;b&gt; ({TEAM}) is new",
    ]


def test_by_https_the_certificate_must_be_that_of_the_name(
    watching: Watching, names: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names("127.0.0.1")
    path = certificate(NAME, tmp_path)
    with tls_server(path) as (port, hosts):
        happen(watching, f"https://{NAME}:{port}/")
        assert result(watching) == ("waiting", "The certificate is not valid")
        monkeypatch.setattr(webhooks, "_context", lambda: ssl.create_default_context(cafile=str(path)))

        assert result(watching) == ("sent", "")
        assert hosts == [f"{NAME}:{port}"]

        names("127.0.0.1")
        lead(Watcher.objects.get(), f"https://localhost:{port}/")
        Delivery.objects.update(status="waiting")
        assert result(watching) == ("waiting", "The certificate is not valid")


# Refuses


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "https://",
        "https://user:password@example.com/",
        "https://example.com/#part",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://ex ample.com/",
        "https://[::1",
        "https://b\u00fccher.example/",
        "https://127.0.0.1/",
        "https://10.1.2.3/",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://[::1]/",
        "https://[fe80::1]/",
        "https://[fd00:ec2::254]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:a00:1::]/",
        "https://[ff02::1]/",
    ],
)
def test_urls_that_the_form_refuses(watching: Watching, settings: Any, url: str) -> None:
    settings.WEBHOOK_PRIVATE = False

    answer = watching.send("/watchers/add/", webhook_url=url)

    assert answer.status_code == 422
    assert re.search(r"This is not a valid URL|The URL must|The address must", Page(answer).text)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "192.168.0.1", "169.254.169.254", "::1", "fd12::1", "::ffff:127.0.0.1"]
)
def test_a_name_that_leads_to_a_private_address(watching: Watching, names: Any, settings: Any, address: str) -> None:
    settings.WEBHOOK_PRIVATE = False
    names(["93.184.216.34", address])
    happen(watching, f"https://{NAME}/")

    assert result(watching) == ("waiting", "The host name leads to an address that is not on the public internet")


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "224.0.0.1", "fe80::1", "::ffff:169.254.169.254"]
)
def test_metadata_is_refused_also_where_private_networks_are_allowed(
    watching: Watching, names: Any, address: str
) -> None:
    names(address)
    happen(watching, f"https://{NAME}/")

    assert "not on the public internet" in result(watching)[1]


def test_an_address_that_changes_after_the_check_is_not_used(watching: Watching, names: Any, receiver: Raw) -> None:
    looked_up = names("127.0.0.1", "169.254.169.254")
    happen(watching, f"http://{NAME}:{receiver.url.rpartition(':')[2]}/")

    assert result(watching) == ("sent", "")

    assert (len(looked_up), len(receiver.requests)) == (1, 1)


def test_a_redirect_is_not_followed(watching: Watching, receiver: Raw) -> None:
    with raw(http(b"", f"Location: {receiver.url}/", status="307 Temporary Redirect")) as server:
        happen(watching, server.url)

        assert result(watching) == ("waiting", "HTTP 307: redirects are not followed")

    assert receiver.requests == []


def test_without_a_webhook_there_is_no_secret(watching: Watching, receiver: Raw) -> None:
    watcher = watching.add("new", webhook_url=receiver.url)
    watching.send(f"/watchers/{watcher.pk}/", remove_webhook="on")

    assert Watcher.objects.get().secret == ""
    assert watching.person.client.post(f"/watchers/{watcher.pk}/secret/").status_code == 404


def test_a_new_url_and_removing_it_are_not_both(watching: Watching, receiver: Raw) -> None:
    watcher = watching.add("new", webhook_url=receiver.url)

    answer = watching.send(f"/watchers/{watcher.pk}/", webhook_url="http://other.invalid/x", remove_webhook="on")

    assert answer.status_code == 422
    assert "not both" in Page(answer).text
    watcher.refresh_from_db()
    assert watcher.webhook_url == receiver.url


# Handles


def test_a_url_that_no_key_decrypts(watching: Watching, receiver: Raw, settings: Any) -> None:
    watcher = happen(watching, receiver.url)
    settings.TOKEN_KEYS = [Fernet.generate_key().decode()]
    new_secret(watching, watcher)

    assert result(watching) == ("waiting", "No key decrypts the URL. Enter it again")
    assert "Now one that no key decrypts." in watching.page(watcher.pk).text


def test_on_a_host_without_email_webhooks_work(watching: Watching, receiver: Raw, settings: Any) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "optional"
    EmailAddress.objects.update(verified=False)
    watcher = happen(watching, receiver.url, by_email="on")

    watching.deliver()

    ends = {(each.channel, each.status, each.result) for each in watching.messages()}
    why = "This Conveyor is set up without email."
    assert ends == {("webhook", "sent", ""), ("email", "cancelled", why)}
    assert f"{why} This watcher sends no emails; its webhook works." in watching.page(watcher.pk).text
    assert why in Page(watching.person.client.get("/watchers/")).text
    answer = watching.send("/watchers/add/", by_email="on")
    assert answer.status_code == 422
    assert f"{why} Give a webhook." in Page(answer).text


def test_one_that_hangs_is_given_up_and_tried_again(
    watching: Watching, monkeypatch: pytest.MonkeyPatch, receiver: Raw
) -> None:
    monkeypatch.setattr(webhooks, "TIMEOUT", 0.4)
    with raw(OK, pause=0.2) as server:  # always a byte before a read would time out
        happen(watching, server.url)

        assert result(watching) == ("waiting", "No answer within 0 seconds")

    lead(Watcher.objects.get(), receiver.url)
    assert result(watching) == ("sent", "")


def test_one_that_answers_500_for_a_day_is_given_up(watching: Watching) -> None:
    with raw(http(b"", status="500 Internal Server Error")) as server:
        happen(watching, server.url)
        for _ in range(30):
            watching.deliver(hours=1)
        tries = len(server.requests)
        watching.deliver(days=1)

        [message] = watching.messages()
        assert (message.status, message.result) == ("failed", "HTTP 500")
        assert message.attempts == tries == len(server.requests)
        assert 10 < tries < 26


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("https://nowhere.invalid/", "The host name was not found"),
        ("http://127.0.0.1:9/", "No answer (ConnectionRefusedError)"),
    ],
)
def test_nobody_is_there(watching: Watching, url: str, error: str) -> None:
    happen(watching, url)

    assert result(watching) == ("waiting", error)


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\n" * 5000])
def test_an_answer_that_makes_no_sense(watching: Watching, answer: bytes) -> None:
    with raw(answer) as server:
        happen(watching, server.url)

        status, error = result(watching)

    assert status == "waiting"
    assert error.startswith("No answer (")


def test_a_secret_without_its_key(watching: Watching, receiver: Raw, settings: Any) -> None:
    happen(watching, receiver.url)
    settings.TOKEN_KEYS = [Fernet.generate_key().decode()]

    assert result(watching) == ("waiting", "No key decrypts the signing secret. Make a new one")
    assert receiver.requests == []
