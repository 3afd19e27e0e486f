"""Acts of support that are confirmed at the same moment happen once."""

from __future__ import annotations

import pytest

from accounts.models import Event, SupportAct, User
from tests.support.acting_staff import filled, messages_of, url
from tests.support.at_once import at_once, tab
from tests.support.emails import emails_to
from tests.support.person import Person
from tests.support.sandbox import Sandbox
from tests.support.support_group import make_agent

pytestmark = pytest.mark.django_db(transaction=True)


def told(owner: Person) -> int:
    return len([email for email in emails_to(owner.email) if "A member of Conveyor's support has" in email])


@pytest.mark.parametrize("code", ["deactivate", "revoke_everything", "delete"])
def test_two_staff_members(agent: Person, owner: Person, digitalocean: Sandbox, code: str) -> None:
    other = make_agent(digitalocean, "other@example.com")
    address = url(code, owner.user)
    forms = [filled(each, address) for each in (agent, other)]

    answers = at_once(
        lambda: agent.client.post(address, forms[0]),
        lambda: other.client.post(address, forms[1]),
    )

    assert [answer.status_code for answer in answers] == [302, 302]
    texts = sorted(messages_of(answer)[-1] for answer in answers)
    assert len([text for text in texts if "Nothing was done" in text]) == 1, texts
    assert SupportAct.objects.count() == 1
    assert Event.objects.filter(kind=Event.Kind.STAFF_ACT).count() == 1
    assert told(owner) == 1


def test_two_clicks(agent: Person, owner: Person) -> None:
    address = url("delete", owner.user)
    form = filled(agent, address)
    browsers = [agent, tab(agent)]

    answers = at_once(*(lambda each=each: each.client.post(address, form) for each in browsers))

    assert [answer.status_code for answer in answers] == [302, 302]
    assert not User.objects.filter(email=owner.email).exists()
    assert SupportAct.objects.count() == 1
    assert told(owner) == 1
