"""What a User-Agent header is called on the page of sessions."""

from __future__ import annotations

import pytest

from common.user_agents import describe

CHROME = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36{}"


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (CHROME.format("Windows NT 10.0; Win64; x64", ""), "Chrome on Windows"),
        (CHROME.format("Windows NT 10.0; Win64; x64", " Edg/140.0.0.0"), "Edge on Windows"),
        (CHROME.format("Linux; Android 10; K", ""), "Chrome on Android"),
        (CHROME.format("X11; CrOS x86_64 14541.0.0", ""), "Chrome on ChromeOS"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/18.0 Safari/605.1.15",
            "Safari on macOS",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "CriOS/140.0 Mobile/15E148 Safari/604.1",
            "Chrome on iPhone",
        ),
        ("curl/8.9.1", "curl"),
        ("SomethingElse/2.0 (+https://example.com)", "SomethingElse/2.0"),
        ("x" * 500, "x" * 40),
        ("", "Unknown browser"),
        ("   ", "Unknown browser"),
    ],
)
def test_it_names_browser_and_system(user_agent: str, words: str) -> None:
    assert describe(user_agent) == words
