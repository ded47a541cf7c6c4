"""Sections, topics and users' preferences through the official client."""

from typing import Any

import courier
import pytest
from courier import Courier

from tests.clients.conftest import client_of
from tests.integration.harness import Api

DIGEST = {
    "template_id": "nt_digest",
    "schedules": [
        {"frequency": "daily", "time": "08:30", "timezone": "Europe/Berlin", "is_default": True},
        {"frequency": "weekly", "day_of_week": "Monday", "time": "09:00"},
    ],
    "categories": [{"category_key": "news", "retain": "last"}],
}


@pytest.fixture
def section(client: Courier) -> str:
    """The id of a section whose users may choose channels."""
    return client.workspace_preferences.create(name="Orders", has_custom_routing=True).id


def make(client: Courier, section: str, **fields: Any) -> str:
    """The id of a new topic."""
    given = {"name": "Shipping", "default_status": "OPTED_IN", **fields}
    return client.workspace_preferences.topics.create(section, **given).id


def test_sections_with_their_topics(client: Courier, section: str) -> None:
    topic = make(client, section, description="When it leaves", topic_data={"color": "red"})
    found = client.workspace_preferences.retrieve(section)
    assert (found.name, found.has_custom_routing, found.routing_options) == ("Orders", True, [])
    assert [(one.id, one.description, one.topic_data) for one in found.topics] == [
        (topic, "When it leaves", {"color": "red"})
    ]
    replaced = client.workspace_preferences.replace(section, name="Parcels", description="All of them")
    assert (replaced.name, replaced.has_custom_routing, len(replaced.topics)) == ("Parcels", False, 1)
    assert [one.name for one in client.workspace_preferences.list().results] == ["Parcels"]


def test_a_section_goes_when_its_topics_are_gone(client: Courier, section: str) -> None:
    topic = make(client, section)
    with pytest.raises(courier.ConflictError) as refused:
        client.workspace_preferences.archive(section)
    assert refused.value.response.headers["x-should-retry"] == "false"
    client.workspace_preferences.topics.archive(topic, section_id=section)
    client.workspace_preferences.archive(section)
    with pytest.raises(courier.NotFoundError):
        client.workspace_preferences.retrieve(section)


def test_a_topic_is_found_in_its_section_only(client: Courier, section: str) -> None:
    other = client.workspace_preferences.create(name="Other").id
    topic = make(client, section)
    assert client.workspace_preferences.topics.retrieve(topic, section_id=section).name == "Shipping"
    for call in (client.workspace_preferences.topics.retrieve, client.workspace_preferences.topics.archive):
        with pytest.raises(courier.NotFoundError):
            call(topic, section_id=other)
    with pytest.raises(courier.NotFoundError):
        client.workspace_preferences.topics.list("ps_none")
    assert client.workspace_preferences.topics.list(other).results == []


def test_a_digest_stays_unless_it_is_given(client: Courier, section: str) -> None:
    topics = client.workspace_preferences.topics
    topic = make(client, section, digest=DIGEST)
    before = topics.retrieve(topic, section_id=section).digest
    assert before
    assert [one.frequency for one in before.schedules] == ["daily", "weekly"]
    assert (before.schedules[1].day_of_week, before.categories[0].retain) == ("monday", "LAST")
    named = {"name": "Shipping", "default_status": "OPTED_IN", "section_id": section}
    assert topics.replace(topic, **named).digest == before  # type: ignore[arg-type]
    first = {"schedule_id": before.schedules[0].schedule_id, "frequency": "instant"}
    after = topics.replace(topic, digest={"template_id": "nt_2", "schedules": [first]}, **named).digest  # type: ignore[arg-type]
    assert after
    assert [(one.schedule_id, one.timezone) for one in after.schedules] == [(first["schedule_id"], None)]
    topics.delete_digest(topic, section_id=section)
    assert topics.retrieve(topic, section_id=section).digest is None


@pytest.mark.parametrize(
    "digest",
    [
        {"template_id": "nt_1"},
        {"template_id": "nt_1", "schedules": []},
        {"template_id": "nt_1", "schedules": [{"frequency": "weekly", "time": "08:00"}]},
        {"template_id": "nt_1", "schedules": [{"frequency": "daily"}]},
        {"template_id": "nt_1", "schedules": [{"frequency": "daily", "time": "8"}]},
        {"template_id": "nt_1", "schedules": [{"frequency": "instant", "schedule_id": "sch_other"}]},
        {"template_id": "nt_1", "schedules": [{"frequency": "daily", "time": "08:00", "timezone": "Mars"}]},
        {"template_id": "nt_1", "schedules": [{"frequency": "instant", "is_default": True}] * 2},
        {
            "template_id": "nt_1",
            "schedules": [{"frequency": "instant"}],
            "categories": [{"category_key": "k", "retain": "HIGHEST"}],
        },
    ],
)
def test_a_digest_that_cannot_be(client: Courier, section: str, digest: dict[str, Any]) -> None:
    with pytest.raises(courier.BadRequestError, match="digest"):
        make(client, section, digest=digest)


# --- users ---------------------------------------------------------------------------------------

USER = "user/1"
"""Ids may hold what divides paths."""


def test_one_topic_of_a_user(client: Courier, section: str) -> None:
    topic, preferences = make(client, section, digest=DIGEST), client.users.preferences
    before = preferences.retrieve_topic(topic, user_id=USER).topic
    assert (before.status, before.default_status, before.section_name) == ("OPTED_IN", "OPTED_IN", "Orders")
    assert (before.has_custom_routing, before.custom_routing) == (False, None)
    schedules = client.workspace_preferences.topics.retrieve(topic, section_id=section).digest
    assert schedules
    weekly = schedules.schedules[1].schedule_id
    wish = {"status": "OPTED_OUT", "has_custom_routing": True, "custom_routing": ["sms", "email"]}
    done = preferences.update_or_create_topic(
        topic,
        user_id=USER,
        topic={**wish, "digest_schedule_id": weekly},  # type: ignore[typeddict-item]
    )
    assert done.message == "success"
    after = preferences.retrieve_topic(topic, user_id=USER).topic
    assert (after.status, after.custom_routing, after.digest_schedule_id) == (
        "OPTED_OUT", ["email", "sms"], weekly,
    )  # fmt: skip
    preferences.update_or_create_topic(topic, user_id=USER, topic={"status": "OPTED_IN"})
    kept = preferences.retrieve_topic(topic, user_id=USER).topic
    assert (kept.status, kept.has_custom_routing, kept.digest_schedule_id) == ("OPTED_IN", False, weekly)
    preferences.delete_topic(topic, user_id=USER)
    preferences.delete_topic(topic, user_id=USER)
    assert preferences.retrieve_topic(topic, user_id=USER).topic == before


def test_what_cannot_be_wanted(client: Courier, section: str) -> None:
    fixed = client.workspace_preferences.create(name="Fixed").id
    required, plain = make(client, section, default_status="REQUIRED"), make(client, fixed)
    put = client.users.preferences.update_or_create_topic
    refused: list[tuple[str, dict[str, Any]]] = [
        (required, {"status": "OPTED_OUT"}),
        (plain, {"status": "REQUIRED"}),
        (plain, {"status": "OPTED_IN", "has_custom_routing": True, "custom_routing": ["sms"]}),
        (plain, {"status": "OPTED_IN", "custom_routing": ["smoke"]}),
        (plain, {"status": "OPTED_IN", "digest_schedule_id": "sch_1"}),
    ]
    for topic, wish in refused:
        with pytest.raises(courier.BadRequestError):
            put(topic, user_id=USER, topic=wish)  # type: ignore[arg-type]
    with pytest.raises(courier.NotFoundError):
        put("pt_none", user_id=USER, topic={"status": "OPTED_IN"})
    put(plain, user_id=USER, topic={"status": "OPTED_IN", "custom_routing": ["sms"]})
    assert client.users.preferences.retrieve_topic(plain, user_id=USER).topic.custom_routing is None


def test_bulk_replaces_all_or_nothing(client: Courier, section: str) -> None:
    one, two, three = (make(client, section, name=name) for name in ("One", "Two", "Three"))
    preferences = client.users.preferences
    replace = preferences.bulk_replace
    replace(USER, topics=[{"topic_id": one, "status": "OPTED_OUT"}, {"topic_id": two, "status": "OPTED_OUT"}])
    with pytest.raises(courier.NotFoundError):
        replace(
            USER, topics=[{"topic_id": three, "status": "OPTED_OUT"}, {"topic_id": "x", "status": "OPTED_IN"}]
        )
    done = replace(
        USER,
        topics=[
            {"topic_id": two, "status": "OPTED_IN", "has_custom_routing": True, "custom_routing": ["push"]}
        ],
    )
    assert done.deleted == [one]
    assert [(item.topic_id, item.custom_routing) for item in done.items] == [(two, ["push"])]
    items = preferences.retrieve(USER).items
    assert [(item.topic_name, item.status) for item in items] == [
        ("One", "OPTED_IN"), ("Two", "OPTED_IN"), ("Three", "OPTED_IN"),
    ]  # fmt: skip
    assert replace(USER, topics=[]).deleted == [two]
    twice: list[Any] = [{"topic_id": one, "status": "OPTED_IN"}] * 2
    for wrong in (twice, [{"topic_id": f"pt_{i}", "status": "OPTED_IN"} for i in range(51)]):
        with pytest.raises(courier.BadRequestError):
            replace(USER, topics=wrong)


def test_bulk_updates_what_it_can(client: Courier, section: str) -> None:
    one, required = make(client, section), make(client, section, default_status="REQUIRED")
    done = client.users.preferences.bulk_update(
        USER,
        topics=[
            {"topic_id": one, "status": "OPTED_OUT"},
            {"topic_id": required, "status": "OPTED_OUT"},
            {"topic_id": "pt_none", "status": "OPTED_IN"},
        ],
    )
    assert [item.topic_id for item in done.items] == [one]
    assert [error.topic_id for error in done.errors] == [required, "pt_none"]
    assert client.users.preferences.retrieve_topic(one, user_id=USER).topic.status == "OPTED_OUT"
    with pytest.raises(courier.BadRequestError):
        client.users.preferences.bulk_update(USER, topics=[])


def test_a_tenant_has_defaults_and_choices_of_its_own(client: Courier, section: str) -> None:
    topic, preferences = make(client, section), client.users.preferences
    client.tenants.update("acme", name="Acme")
    client.tenants.preferences.items.update(topic, tenant_id="acme", status="OPTED_OUT")
    told = preferences.retrieve_topic(topic, user_id=USER, tenant_id="acme").topic
    assert (told.status, told.default_status) == ("OPTED_OUT", "OPTED_OUT")
    assert preferences.retrieve_topic(topic, user_id=USER).topic.default_status == "OPTED_IN"
    preferences.update_or_create_topic(topic, user_id=USER, tenant_id="acme", topic={"status": "OPTED_IN"})
    assert preferences.retrieve_topic(topic, user_id=USER, tenant_id="acme").topic.status == "OPTED_IN"
    assert client.workspace_preferences.list_logs(user_id=USER, tenant_id="acme").items[0].tenant_id == "acme"


# --- the log and the page ------------------------------------------------------------------------


def test_the_log_tells_what_changed(client: Courier, section: str) -> None:
    topic, put = make(client, section), client.users.preferences.update_or_create_topic
    put(topic, user_id=USER, topic={"status": "OPTED_OUT"})
    put(topic, user_id=USER, topic={"status": "OPTED_OUT"})  # nothing changes, and nothing is told
    put(topic, user_id=USER, topic={"status": "OPTED_IN"})
    put(topic, user_id="other", topic={"status": "OPTED_OUT"})
    logs = client.workspace_preferences.list_logs
    newest, oldest = logs(user_id=USER).items
    assert (newest.status, newest.topic_name, newest.tenant_id) == ("OPTED_IN", "Shipping", None)
    assert newest.previous is not None
    assert (newest.previous.status, oldest.previous) == ("OPTED_OUT", None)
    assert len(logs(since="2020-01-01").items) == 3
    assert logs(since="2999-01-01").items == []
    seen, cursor = [], None
    while cursor is not None or not seen:
        page = logs(limit=1, **({"cursor": cursor} if cursor else {}))  # type: ignore[arg-type]
        seen, cursor = seen + page.items, page.paging.cursor
    assert [one.user_id for one in seen] == ["other", USER, USER]
    wrong: list[dict[str, Any]] = [
        {"tenant_id": "acme"},
        {"limit": 0},
        {"limit": 101},
        {"since": "soon"},
        {"cursor": "x"},
    ]
    for query in wrong:
        with pytest.raises(courier.BadRequestError):
            logs(**query)


def test_publishing(client: Courier, section: str) -> None:
    make(client, section)
    first = client.workspace_preferences.publish(heading="Your choice")
    second = client.workspace_preferences.publish(brand_id="none")
    assert second.published_version > first.published_version
    with pytest.raises(courier.NotFoundError):
        client.workspace_preferences.publish(brand_id="nobody")


def test_the_other_world_knows_nothing_of_it(client: Courier, api: Api, section: str) -> None:
    topic = make(client, section)
    production = client_of(api)
    assert production.workspace_preferences.list().results == []
    with pytest.raises(courier.NotFoundError):
        production.users.preferences.retrieve_topic(topic, user_id=USER)
    with pytest.raises(courier.AuthenticationError):
        client_of(api, "pk_test_wrong").workspace_preferences.list()
