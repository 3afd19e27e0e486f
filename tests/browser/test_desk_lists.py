"""The index, the lists and the incident of the desk: nothing for axe to complain of, nothing to scroll sideways for."""

from __future__ import annotations

from tests.browser.conftest import Arrive
from tests.browser.server import Conveyor
from tests.browser.support_agent import Agent
from tests.browser.test_support_desk import judge
from tests.support.sandbox import Sandbox

PAGES = (
    "/admin/",
    "/admin/accounts/user/?connections=none",
    "/admin/accounts/connection/",
    "/admin/accounts/event/?q=northwind",
    "/admin/droplets/action/",
    "/admin/incident/",
)


def test_each_page(arrive: Arrive, conveyor: Conveyor, digitalocean: Sandbox) -> None:
    customer = arrive()
    customer.sign_up("of-lists@example.com")
    customer.connect("Northwind")
    agent = Agent(arrive(), conveyor, "agent-of-lists@example.com")

    for path in PAGES:
        agent.visitor.go(path)
        judge(agent.visitor)
