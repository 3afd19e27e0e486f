"""Browser and system names from a User-Agent header, so that users can recognize their sessions."""

# The first match wins, so the order matters: Edge also contains "Chrome", and Chrome also contains "Safari" (https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/User-Agent).
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
    """“Firefox on Linux”; the first word of an unknown header; “Unknown browser” for an empty one."""
    words = user_agent.split()
    if not words:
        return "Unknown browser"
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), words[0][:40])
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return f"{browser} on {system}" if system else browser
