"""Names the browser and the system in a User-Agent header, for people who look for a log-in they do not know."""

from __future__ import annotations

# The first that is found names it, so what pretends to be another comes before that other: every Edge says
# Chrome and every Chrome says Safari (https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/User-Agent).
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Headless Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)


def describe(user_agent: str) -> str:
    """“Firefox on Linux”; the header's first word where nothing is known, “Unknown browser” where it is empty."""
    words = user_agent.split()
    if not words:
        return "Unknown browser"
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), words[0][:40])
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return f"{browser} on {system}" if system else browser
