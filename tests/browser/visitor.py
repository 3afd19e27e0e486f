"""A person at a real browser, which is watched: what it complains of, and every text that it was sent."""

from __future__ import annotations

import re
from email import message_from_bytes
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response
from playwright.sync_api import Error as BrowserError

PASSWORD = "correct horse battery staple"
WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 390, "height": 844}
PATIENCE = 15_000
"""Milliseconds for what has to come about. Long, since the whole suite may be at work on the same processors."""

TELL_OF_VIOLATIONS = (
    "document.addEventListener('securitypolicyviolation', "
    "event => console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`))"
)


class Visitor:
    """Somebody with a browser of their own, at Conveyor's address."""

    def __init__(self, browser: Browser, url: str, emails: Path, *, javascript: bool = True, scale: float = 1) -> None:
        self.url = url
        self._emails = emails
        self.totp_secrets: set[str] = set()
        self.complaints: list[str] = []
        self.sent: list[tuple[str, str]] = []
        self.may_answer: set[int] = set()
        """Statuses above 399 that a page itself may have; what belongs to a page may have none."""
        self._context = browser.new_context(
            base_url=url,
            viewport=WIDE,
            device_scale_factor=scale,
            java_script_enabled=javascript,
            reduced_motion="reduce",
        )
        self._context.set_default_timeout(PATIENCE)
        self._context.add_init_script(TELL_OF_VIOLATIONS)
        self._context.on("console", self._on_console)
        self._context.on("weberror", lambda error: self.complaints.append(f"script: {error.error}"))
        self._context.on("requestfailed", self._on_failed)
        self._context.on("requestfinished", self._on_finished)
        self.page: Page = self._context.new_page()

    def close(self) -> None:
        """Leave, once everything that was under way has been judged."""
        self.page.wait_for_timeout(100)  # milliseconds
        self._context.close()

    # What is watched

    def _on_console(self, message: ConsoleMessage) -> None:
        # Chromium notes each 4xx there as well; those are judged where the answer comes in.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.complaints.append(f"console: {message.text}")

    def _on_failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # a page was left while it loaded
            self.complaints.append(f"failed: {request.url} {request.failure}")

    def _on_finished(self, request: Request) -> None:
        answer = request.response()
        if answer is None:
            return
        self._judge(request, answer)
        kind = answer.headers.get("content-type", "")
        if answer.url.startswith((self.url, self.url.replace("localhost", "127.0.0.1"))) and kind.startswith(
            ("text/", "application/json", "image/svg")
        ):
            headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
            self.sent.append((answer.url, f"{answer.url}\n{headers}\n{_body(answer)}"))

    def _judge(self, request: Request, answer: Response) -> None:
        page = request.is_navigation_request()
        if answer.status >= 400 and not (page and answer.status in self.may_answer):
            self.complaints.append(f"{answer.status}: {request.method} {answer.url}")
        if not answer.url.startswith(self.url) and not page:
            origin = urlsplit(request.frame.url)
            if f"{origin.scheme}://{origin.netloc}" == self.url:
                self.complaints.append(f"from elsewhere: {answer.url}")

    def complains(self, of: str) -> bool:
        """Whether the browser complains of it, within five seconds."""
        for _ in range(50):
            if any(of in complaint for complaint in self.complaints):
                return True
            self.page.wait_for_timeout(100)  # milliseconds
        return False

    # What a person does

    def go(self, path: str) -> None:
        self.page.goto(path)

    def press(self, name: str) -> None:
        """Press a button of the page's content, and wait for the page that it leads to."""
        button = self.page.get_by_role("main").get_by_role("button", name=name, exact=True).first
        with self.page.expect_navigation():
            button.click()

    def follow(self, name: str) -> None:
        """Follow a link, wherever it is, and wait for its page."""
        link = self.page.get_by_role("link", name=name, exact=True).first
        with self.page.expect_navigation():
            link.click()

    def fill(self, **fields: str) -> None:
        """Fill in fields by the name of their label; underscores are spaces."""
        for label, value in fields.items():
            self.page.get_by_label(label.replace("_", " "), exact=True).fill(value)

    def sign_up(self, email: str) -> None:
        self.go("/accounts/signup/")
        self.fill(Email=email, Password=PASSWORD)
        self.press("Sign up")
        self.confirm(email)

    def confirm(self, email: str) -> None:
        """Open the link in the newest email to this address, and confirm it."""
        for file in sorted(self._emails.iterdir(), key=lambda file: file.stat().st_mtime, reverse=True):
            message = message_from_bytes(file.read_bytes())
            if message["To"] == email:
                [link] = re.findall(r"http://\S+/confirm-email/\S+", message.get_payload(decode=True).decode())
                self.go(link)
                self.press("Confirm this address")
                return
        raise LookupError(email)

    def log_in(self, email: str, password: str = PASSWORD) -> None:
        self.fill(Email=email, Password=password)
        self.press("Log in")

    def log_out(self) -> None:
        self.go("/accounts/settings/")
        self.press("Log out")

    def connect(self, team: str) -> None:
        """From wherever a Connect button is, over the consent page, back to Conveyor."""
        self.press("Connect a team")
        self.consent(team)

    def consent(self, team: str) -> None:
        """Authorize a team on the consent page, and come back."""
        self.page.get_by_label(team, exact=True).check()
        self.press("Authorize")
        assert self.page.url.startswith(f"{self.url}/"), self.page.url

    # What a person sees

    @property
    def path(self) -> str:
        return urlsplit(self.page.url).path

    def sees(self, *texts: str) -> bool:
        """Whether the page shows all of these."""
        shown = " ".join(self.page.inner_text("body").split())
        for text in texts:
            assert text in shown, f"{text!r} is not on {self.page.url}:\n{shown}"
        return True

    def droplets(self) -> list[str]:
        """The names in the fleet's table, from top to bottom."""
        return self.page.locator("tbody th.fleet-name a").all_inner_texts()

    def scrolls_sideways(self) -> bool:
        found: bool = self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        return found

    def is_within_the_page(self, selector: str) -> bool:
        """Whether all of an element's width can be seen."""
        box = self.page.locator(selector).bounding_box()
        size = self.page.viewport_size
        assert box
        assert size
        return box["x"] >= 0 and box["x"] + box["width"] <= size["width"]


def _body(answer: Response) -> str:
    if 300 <= answer.status < 400:
        return ""
    try:
        return answer.text()
    except BrowserError:  # the page was left before its text was asked for
        return ""
