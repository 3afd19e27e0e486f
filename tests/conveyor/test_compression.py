"""Pages and downloads are compressed for clients that accept it, except those that show a secret."""

from __future__ import annotations

import gzip
from typing import Any

import brotli
import pytest
from backports import zstd
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, get_resolver, reverse

from conveyor.compression import UNCOMPRESSED, CompressionMiddleware
from droplets.models import SavedView, Watcher
from tests.support import totp
from tests.support.person import PASSWORD, Person

OPENERS: dict[str, Any] = {"gzip": gzip.decompress, "br": brotli.decompress, "zstd": zstd.decompress}
BROWSER = {"Accept-Encoding": "gzip, deflate, br, zstd"}


def body_of(answer: HttpResponse) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def view_names() -> set[str]:
    """The names of all URLs, with their namespaces."""

    def below(patterns: list[Any], prefix: str) -> set[str]:
        names = set()
        for each in patterns:
            if isinstance(each, URLPattern):
                names.add(f"{prefix}{each.name}")
            else:
                names |= below(each.url_patterns, f"{prefix}{each.namespace}:" if each.namespace else prefix)
        return names

    return below(get_resolver().url_patterns, "")


class TestWorks:
    @pytest.mark.parametrize("coding", list(OPENERS))
    def test_a_page(self, alice: Person, coding: str) -> None:
        alice.connect()
        plain = alice.client.get("/droplets/")

        answer = alice.client.get("/droplets/", headers={"Accept-Encoding": coding})

        assert answer["Content-Encoding"] == coding
        assert "Accept-Encoding" in answer["Vary"]
        assert "Cookie" in answer["Vary"]
        assert int(answer["Content-Length"]) == len(answer.content) < len(plain.content) / 5
        assert b"</html>" in OPENERS[coding](answer.content)

    def test_a_browser_gets_the_cheapest(self, db: None) -> None:
        assert Client().get("/", headers=BROWSER)["Content-Encoding"] == "zstd"

    @pytest.mark.parametrize("coding", list(OPENERS))
    @pytest.mark.parametrize("path", ["/droplets.csv", "/droplets.json", "/droplets/ssh_config"])
    def test_a_download_that_is_sent_while_it_is_written(self, alice: Person, path: str, coding: str) -> None:
        alice.connect()
        plain = alice.client.get(path)
        expected = body_of(plain)

        answer = alice.client.get(path, headers={"Accept-Encoding": coding})

        assert answer.streaming
        assert answer["Content-Encoding"] == coding
        assert not answer.has_header("Content-Length")
        body = OPENERS[coding](body_of(answer))
        assert len(body.splitlines()) == len(expected.splitlines()) > 150
        assert answer["Content-Disposition"] == plain["Content-Disposition"]

    def test_two_answers_differ_in_length(self, db: None) -> None:
        client = Client()

        assert len({len(client.get("/", headers=BROWSER)["X-Noise"]) for _ in range(40)}) > 3

    def test_head_says_what_get_would(self, db: None) -> None:
        answer = Client().head("/", headers=BROWSER)

        assert answer["Content-Encoding"] == "zstd"
        assert answer.content == b""


class TestRefuses:
    @pytest.mark.parametrize("given", ["", "identity", "gzip;q=0", "zip", "gzip;q=high", "," * 3000, "\x00\xff"])
    def test_a_client_that_accepts_no_compression(self, db: None, given: str) -> None:
        answer = Client().get("/", headers={"Accept-Encoding": given})

        assert answer.status_code == 200
        assert "Content-Encoding" not in answer.headers
        assert "Accept-Encoding" in answer["Vary"]  # a cache must not give it to everybody
        assert b"</html>" in answer.content

    def test_a_short_answer(self) -> None:
        middleware = CompressionMiddleware(lambda request: HttpResponse("x" * 49))

        answer = middleware(RequestFactory().get("/", headers=BROWSER))

        assert answer.content == b"x" * 49
        assert not answer.has_header("Content-Encoding")

    def test_a_redirect(self, db: None) -> None:
        answer = Client().get("/droplets/", headers=BROWSER)

        assert answer.status_code == 302
        assert "Content-Encoding" not in answer.headers


class TestSecrets:
    def test_each_name_is_of_a_url(self) -> None:
        assert view_names() >= UNCOMPRESSED

    def test_pages_with_a_secret_are_not_compressed(self, alice: Person) -> None:
        client = alice.client
        client.post("/accounts/reauthenticate/", {"password": PASSWORD})
        pages = [client.get(reverse("mfa_activate_totp"), headers=BROWSER)]
        totp.switch_on(alice.user)
        pages.append(client.post(reverse("mfa_generate_recovery_codes"), headers=BROWSER, follow=True))
        pages.append(client.get(reverse("mfa_view_recovery_codes"), headers=BROWSER))
        pages.append(client.get(reverse("mfa_download_recovery_codes"), headers=BROWSER))
        client.post(reverse("droplets:feed_address"))
        pages.append(client.get(reverse("droplets:feed_address"), headers=BROWSER))
        view = SavedView.objects.create(user=alice.user, name="All", query="")
        watcher = Watcher(user=alice.user, view=view, condition=Watcher.Condition.NEW)
        watcher.webhook_url = "https://hooks.example/a-secret-path"
        watcher.save()
        pages.append(client.get(reverse("droplets:watcher", args=[watcher.pk]), headers=BROWSER))
        pages.append(client.post(reverse("droplets:renew_watcher_secret", args=[watcher.pk]), headers=BROWSER))

        for page in pages:
            assert page.status_code == 200
            assert len(page.content) > 50
            assert "Content-Encoding" not in page.headers, page.request["PATH_INFO"]

    def test_other_pages_of_the_same_person_are(self, alice: Person) -> None:
        assert alice.client.get("/activity/?q=web", headers=BROWSER)["Content-Encoding"] == "zstd"

    def test_the_csrf_token_differs_on_each_page(self, alice: Person) -> None:
        pages = [alice.client.get("/accounts/settings/") for _ in range(2)]

        assert str(pages[0].context["csrf_token"]) != str(pages[1].context["csrf_token"])
