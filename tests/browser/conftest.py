"""One Conveyor, one sandbox and one browser for all of these tests; people of their own for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from zlib import crc32

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser import chromium
from tests.browser.leaks import leaks
from tests.browser.server import Conveyor
from tests.browser.visitor import PATIENCE, Visitor
from tests.support.sandbox import Sandbox

Arrive = Callable[..., Visitor]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where there is no browser, these tests are skipped, with a word on how to get one."""
    mine = [item for item in items if item.nodeid.startswith("tests/browser/")]
    if mine and not chromium.found():
        for item in mine:
            item.add_marker(pytest.mark.skip(reason=chromium.HOW))


@pytest.fixture(scope="package")
def chromium_path() -> str:
    return chromium.found()


@pytest.fixture(scope="package")
def browser(chromium_path: str) -> Iterator[Browser]:
    # Playwright keeps an event loop on this thread, where Django then refuses to speak to a database: these tests
    # must not need one, and the loop must not outlive them.
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright, chromium_path)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def digitalocean_process(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    sandbox = Sandbox.start(state=tmp_path_factory.mktemp("digitalocean") / "sandbox.sqlite3")
    yield sandbox
    sandbox.stop()


@pytest.fixture(scope="package")
def conveyor(digitalocean_process: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Conveyor]:
    conveyor = Conveyor(tmp_path_factory.mktemp("conveyor"), digitalocean_process)
    try:
        conveyor.set_up()
        conveyor.start()
        yield conveyor
        conveyor.stop()
    finally:
        conveyor.stop()
        conveyor.database.drop()


@pytest.fixture
def digitalocean(digitalocean_process: Sandbox, request: pytest.FixtureRequest) -> Sandbox:
    """A DigitalOcean whose people and teams no other test connects; the same ones whenever this test runs."""
    digitalocean_process.reset(seed=crc32(request.node.nodeid.encode()), droplets=20)
    return digitalocean_process


@pytest.fixture
def arrive(browser: Browser, conveyor: Conveyor, digitalocean: Sandbox) -> Iterator[Arrive]:
    """Call it for a visitor with a browser of their own. In the end nobody's browser has had anything to complain of,
    and no secret is in what it was sent or in any place that Conveyor writes to."""
    visitors: list[Visitor] = []

    def come(**more: bool) -> Visitor:
        visitors.append(Visitor(browser, conveyor.url, conveyor.emails_directory, **more))
        return visitors[-1]

    yield come
    for visitor in visitors:
        visitor.close()
    complaints = [complaint for visitor in visitors for complaint in visitor.complaints]
    assert complaints == []
    assert any(visitor.sent for visitor in visitors)
    assert leaks(conveyor, digitalocean, visitors) == []


@pytest.fixture
def visitor(arrive: Arrive) -> Visitor:
    return arrive()
