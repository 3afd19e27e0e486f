"""A person at a browser during a run: looks at pages with pauses in between, and sometimes acts."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPException
from threading import Event

from tests.bench.browser import Browser, Page
from tests.load.observed import Observed, Visit
from tests.support.consent import ConsentForm

THINKING = 20.0
"""Seconds between two things that a person does, on average."""

_DROPLET = re.compile(r'href="(/droplets/[0-9a-f-]{36}/[0-9]+/)"')
_TICK = re.compile(r'name="d" value="([0-9a-f-]{36}:[0-9]+)"')
_CSRF = "csrfmiddlewaretoken"
_SEARCHES = ("?q=web", "?q=db&sort=-created", "?status=active", "?region=fra1", "?q=status%3Aoff", "?page=2", "?q=10.")
_RANGES = ("1h", "6h", "24h")
"""The sandbox computes longer ones for seconds, in the one thread that answers everybody."""


class Someone:
    """One person. `acts` says whether their team allows Conveyor to act."""

    def __init__(self, browser: Browser, observed: Observed, *, acts: bool) -> None:
        self._browser = browser
        self._observed = observed
        self._droplets: list[str] = []
        doings: dict[Callable[[], object], int] = {
            self.look_at_the_fleet: 25,
            self.keep_the_fleet_open: 15,
            self.search: 15,
            self.look_at_a_droplet: 20,
            self.look_at_graphs: 10,
            self.read_the_activity: 8,
            self.look_at_jobs: 5,
            self.download: 2,
        }
        if acts:
            doings |= {self.reboot: 6, self.start_a_job: 3}
        self._doings, self._weights = list(doings), list(doings.values())

    def live(self, stop: Event) -> None:
        """Goes on until `stop`. The first page comes at a random moment, so that people do not come all at once."""
        stop.wait(random.uniform(0, THINKING))
        while not stop.is_set():
            [do] = random.choices(self._doings, self._weights)
            if not self._droplets:
                do = self.look_at_the_fleet
            # Without an answer, `_ask` has noted it; the person goes on.
            with suppress(OSError, HTTPException):
                do()
            stop.wait(random.uniform(0.5, 1.5) * THINKING)
        self._browser.close()

    def look_at_the_fleet(self) -> Page:
        page = self._ask("fleet", "GET", "/droplets/")
        self._droplets = sorted(set(_DROPLET.findall(page.body))) or self._droplets
        return page

    def keep_the_fleet_open(self) -> None:
        """The page asks again by itself, a little later."""
        self._ask("fleet, open", "GET", "/droplets/?edition=another", headers={"HX-Request": "true"})

    def search(self) -> None:
        self._ask("search", "GET", f"/droplets/{random.choice(_SEARCHES)}")

    def look_at_a_droplet(self) -> None:
        self._ask("droplet", "GET", random.choice(self._droplets))

    def look_at_graphs(self) -> None:
        self._ask("graphs", "GET", f"{random.choice(self._droplets)}graphs/?range={random.choice(_RANGES)}")

    def read_the_activity(self) -> None:
        path = random.choice(("/activity/", "/activity/?q=web", f"{random.choice(self._droplets)}activity/"))
        self._ask("activity", "GET", path)

    def look_at_jobs(self) -> None:
        self._ask("jobs", "GET", "/jobs/")

    def download(self) -> None:
        self._ask("download", "GET", random.choice(("/droplets.csv", "/droplets.json", "/droplets/ansible.yml")))

    def reboot(self) -> None:
        """Sends the form twice at once, as a double click does."""
        droplet = random.choice(self._droplets)
        path = f"{droplet}actions/reboot/"
        fields = _form(self._ask("action", "GET", path), path)
        if "key" not in fields:
            return  # not possible now, and the page says why
        twin = self._browser.another()
        with ThreadPoolExecutor(2) as pool:
            clicks = [pool.submit(self._ask, "action", "POST", path, fields, None, each) for each in (None, twin)]
        twin.close()
        for click in clicks:
            click.result()
        self._ask("action", "GET", f"{droplet}progress/", headers={"HX-Request": "true"})

    def start_a_job(self) -> None:
        page = self.look_at_the_fleet()
        ticks = _TICK.findall(page.body)
        fields = _form(page, "/jobs/select/")
        if not ticks or _CSRF not in fields:
            return
        chosen = [("d", tick) for tick in random.sample(ticks, min(3, len(ticks)))]
        selected = [(_CSRF, fields[_CSRF]), ("kind", "reboot"), ("which", "ticked"), *chosen]
        path = self._ask("jobs", "POST", "/jobs/select/", selected).location
        if not path.endswith("/confirm/"):
            return
        confirmed = _form(self._ask("jobs", "GET", path), path)
        if "edition" not in confirmed:
            return  # none of the droplets can be rebooted now
        job = self._ask("jobs", "POST", path, confirmed | {"at_once": "2", "pause": "0"}).location
        if job:
            self._ask("jobs", "GET", job)

    def _ask(
        self,
        what: str,
        method: str,
        path: str,
        fields: dict[str, str] | list[tuple[str, str]] | None = None,
        headers: dict[str, str] | None = None,
        browser: Browser | None = None,
    ) -> Page:
        """Request a page and note how it went. Raises OSError or HTTPException where the connection breaks."""
        at = time.time()
        headers = {"Accept-Encoding": "gzip", **(headers or {})}
        try:
            page = (browser or self._browser).request(method, path, fields=fields, headers=headers)
        except (OSError, HTTPException) as error:
            self._observed.add(Visit(what, path, 0, at, time.time() - at, type(error).__name__))
            raise
        note = page.location if page.status == 302 else _title(page) if page.status >= 400 else ""
        self._observed.add(Visit(what, path, page.status, at, page.seconds, note))
        return page


def _form(page: Page, action: str) -> dict[str, str]:
    """The hidden fields of the form that posts to `action`; empty without such a form."""
    for part in page.body.split("<form")[1:]:
        found = ConsentForm()
        found.feed(f"<form{part.partition('</form>')[0]}</form>")
        if found.action == action:
            return found.fields
    return {}


def _title(page: Page) -> str:
    return " ".join(re.findall(r"<h1[^>]*>(.*?)</h1>", page.body, re.DOTALL))[:100]
