"""Routing strategies and the sends that go by them, as the official client has them."""

from typing import Any

import pytest
from courier import BadRequestError, ConflictError, Courier, NotFoundError

from tests import factories
from tests.clients.conftest import client_of
from tests.integration.harness import Api, Pipeline

BOTH: Any = factories.blocks(email=("Hi", "by email"), sms=("Hi", "by sms"))
SMS: Any = {"method": "single", "channels": ["sms"]}
EMAIL: Any = {"method": "single", "channels": ["email"]}
TO: Any = {"email": factories.ADA, "phone_number": factories.PHONE}


def _template(client: Courier, strategy_id: str | None, **fields: Any) -> str:
    routing = {"strategy_id": strategy_id} if strategy_id else None
    body: Any = factories.template(BOTH, routing=routing, **fields)
    return client.notifications.create(notification=body, state="PUBLISHED").id


def _ways(client: Courier, pipeline: Pipeline, **message: Any) -> tuple[str, list[str]]:
    """The status of a message, and the channels it went by."""
    id_ = client.send.message(message={"to": TO, **message}).request_id
    pipeline.drain()
    found: Any = client.messages.retrieve(id_)
    return found.status, [one["channel"]["name"] for one in found.providers]


def test_a_strategy_is_written_and_read(client: Courier) -> None:
    settings: Any = {"sms": {"timeouts": {"channel": 60_000}}}
    made = client.routing_strategies.create(
        name="Text", routing=SMS, channels=settings, tags=["a"], description="Texts only"
    )
    found = client.routing_strategies.retrieve(made.id)
    assert found == made
    assert made.id.startswith("rs_")
    assert (found.name, found.description, found.tags) == ("Text", "Texts only", ["a"])
    assert (found.routing.method, found.routing.channels) == ("single", ["sms"])
    replaced = client.routing_strategies.replace(made.id, name="Mail", routing=EMAIL)
    assert (replaced.name, replaced.description, replaced.tags, replaced.channels) == ("Mail", None, None, {})
    client.routing_strategies.archive(made.id)
    with pytest.raises(NotFoundError):
        client.routing_strategies.retrieve(made.id)


def test_the_list_pages_to_the_end(client: Courier) -> None:
    made = [client.routing_strategies.create(name=str(n), routing=SMS).id for n in range(5)]
    found: list[str] = []
    cursor = None
    while True:
        page = client.routing_strategies.list(limit=2, cursor=cursor)
        found += [one.id for one in page.results]
        assert page.paging.more == bool(page.paging.cursor)
        if not (cursor := page.paging.cursor):
            break
    assert found == made[::-1]
    with pytest.raises(BadRequestError):
        client.routing_strategies.list(limit=101)
    with pytest.raises(BadRequestError):
        client.routing_strategies.list(cursor="nonsense")


def test_a_template_goes_by_its_strategy(client: Courier, pipeline: Pipeline) -> None:
    strategy = client.routing_strategies.create(name="Text", routing=SMS).id
    template = _template(client, strategy)
    assert _ways(client, pipeline, template=template) == ("SENT", ["sms"])
    assert _ways(client, pipeline, template=template, routing=EMAIL) == ("SENT", ["email"])

    client.routing_strategies.replace(strategy, name="Mail", routing=EMAIL)
    assert _ways(client, pipeline, template=template) == ("SENT", ["email"])


def test_a_template_without_a_strategy_goes_nowhere_by_itself(client: Courier, pipeline: Pipeline) -> None:
    template = _template(client, None)
    assert _ways(client, pipeline, template=template) == ("UNROUTABLE", [])
    assert _ways(client, pipeline, template=template, routing=SMS) == ("SENT", ["sms"])


def test_a_strategys_settings_are_weaker_than_the_messages(client: Courier, pipeline: Pipeline) -> None:
    both: Any = {"method": "all", "channels": ["email", "sms"]}
    never: Any = {"sms": {"if": "data.text"}}
    strategy = client.routing_strategies.create(name="Both", routing=both, channels=never).id
    template = _template(client, strategy)
    assert _ways(client, pipeline, template=template)[1] == ["email"]
    always: Any = {"sms": {"if": "true"}}
    assert sorted(_ways(client, pipeline, template=template, channels=always)[1]) == ["email", "sms"]


def test_what_a_template_uses_stays(client: Courier) -> None:
    strategy = client.routing_strategies.create(name="Text", routing=SMS).id
    template = _template(client, strategy)
    other = _template(client, strategy, name="Other")
    used = client.routing_strategies.list_notifications(strategy)
    assert [one.id for one in used.results] == [other, template]
    with pytest.raises(ConflictError) as refused:
        client.routing_strategies.archive(strategy)
    assert refused.value.response.headers["x-should-retry"] == "false"
    client.notifications.archive(template)
    client.notifications.archive(other)
    client.routing_strategies.archive(strategy)


def test_an_unknown_strategy_is_refused(client: Courier, api: Api) -> None:
    with pytest.raises(BadRequestError, match="Routing strategy rs_none not found"):
        _template(client, "rs_none")
    elsewhere = client_of(api).routing_strategies.create(name="Production's", routing=SMS).id
    with pytest.raises(BadRequestError):
        _template(client, elsewhere)
    for routing in ({"method": "none", "channels": []}, {"channels": ["sms"]}):
        wrong: Any = routing
        with pytest.raises(BadRequestError, match=r"routing\.method"):
            client.routing_strategies.create(name="Wrong", routing=wrong)
