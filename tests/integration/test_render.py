"""render: who a message is for and what it says; a message that cannot be rendered says why."""

from datetime import timedelta
from typing import Any

import pytest

from notify import clock
from notify.content import elemental
from notify.model.names import Lane
from notify.model.work import Place, Stage
from tests import factories
from tests.integration.harness import Api, Database, Pipeline, Time, row_ids

ROUTE = Place(stage=Stage.ROUTE, lane=Lane.SINGLE)
FOREVER = "{% for a in l %}{% for b in l %}{% for c in l %}.{% endfor %}{% endfor %}{% endfor %}"


# --- what it says --------------------------------------------------------------------------------


def test_data_and_profile_fill_the_content(sandbox: Api, pipeline: Pipeline) -> None:
    sandbox.put("/profiles/ada", {"profile": {"email": "old@example.com", "name": "Ada", "tags": {"a": 1}}})
    id_ = sandbox.send(
        to={"user_id": "ada", "email": factories.ADA, "tags": {"b": 2}, "data": {"city": "London"}},
        content={"title": "Hi {{profile.name}}", "body": "{{city}}, {{data.country}}, {{ profile.email }}"},
        data={"city": "Paris", "country": "UK"},
    )
    pipeline.drain()
    said = sandbox.output(id_, "email")
    assert (said["subject"], said["text"].strip()) == ("Hi Ada", "London, UK, ada@example.com")
    (loaded,) = sandbox.history(id_, "PROFILE_LOADED")
    assert loaded["merged_profile"]["email"] == factories.ADA


def test_the_recipients_locale_chooses_the_words(sandbox: Api, pipeline: Pipeline) -> None:
    sandbox.put("/profiles/ada", {"profile": {"phone_number": factories.PHONE, "locale": "fr"}})
    element = {"type": "text", "content": "Hello", "locales": {"fr": {"content": "Bonjour"}}}
    ids = [
        sandbox.send(to=to, content={"version": "2022-01-01", "elements": [element]})
        for to in ({"user_id": "ada"}, {"user_id": "ada", "locale": "en"})
    ]
    pipeline.drain()
    assert [sandbox.output(id_, "sms")["body"] for id_ in ids] == ["Bonjour", "Hello"]


# --- templates -----------------------------------------------------------------------------------


def test_a_template_is_sent_by_its_id_or_alias(sandbox: Api, pipeline: Pipeline) -> None:
    template = sandbox.template(factories.blocks(email=("Welcome {{name}}", "Good.")), alias="welcome")
    ids = [
        sandbox.send(template=name, data={"name": "Ada"}, routing={"method": "single", "channels": ["email"]})
        for name in (template, "welcome")
    ]
    pipeline.drain()
    assert [sandbox.output(id_, "email")["subject"] for id_ in ids] == ["Welcome Ada", "Welcome Ada"]
    (mapped,) = sandbox.history(ids[1], "MAPPED")
    assert (mapped["event_id"], mapped["notification_id"]) == ("welcome", template)


def test_what_was_published_is_sent_from_then_on(sandbox: Api, pipeline: Pipeline) -> None:
    routing = {"method": "single", "channels": ["email"]}
    template = sandbox.template(factories.blocks(email=("one", ".")))
    said = []
    for state in ("DRAFT", "PUBLISHED"):
        body = {"notification": factories.template(factories.blocks(email=("two", "."))), "state": state}
        assert sandbox.put(f"/notifications/{template}", body).status_code == 200
        id_ = sandbox.send(template=template, routing=routing)
        pipeline.drain()
        said.append(sandbox.output(id_, "email")["subject"])
    assert said == ["one", "two"]


def test_a_templates_tags_are_added(sandbox: Api, pipeline: Pipeline) -> None:
    """send.md, metadata.tags: template tags are added."""
    named = {"template": sandbox.template(tags=["red", "blue"]), "to": {"user_id": "ada"}}
    id_, bare = sandbox.send(**named, metadata={"tags": ["own", "red"]}), sandbox.send(**named)
    assert sandbox.message(id_)["tags"] == ["own", "red"]
    pipeline.drain()
    assert sandbox.message(id_)["tags"] == ["own", "red", "blue"]
    assert sandbox.message(bare)["tags"] == ["red", "blue"]
    assert {found["id"] for found in sandbox.messages(tag="blue")} == {id_, bare}
    assert [found["id"] for found in sandbox.messages(tag="blue,own")] == [id_]


def test_a_template_that_does_not_exist(sandbox: Api, pipeline: Pipeline) -> None:
    id_ = sandbox.send(template="nt_missing")
    pipeline.drain()
    assert sandbox.ending(id_) == ("UNMAPPED", None)
    assert "nt_missing" in sandbox.message(id_)["error"]
    assert sandbox.happened(id_) == ["ENQUEUED", "UNMAPPED"]


def test_a_template_of_the_other_world_does_not_exist(api: Api, sandbox: Api, pipeline: Pipeline) -> None:
    id_ = sandbox.send(template=api.template())
    pipeline.drain()
    assert sandbox.ending(id_) == ("UNMAPPED", None)


def test_a_template_that_was_archived_does_not_exist(sandbox: Api, pipeline: Pipeline) -> None:
    template = sandbox.template()
    id_ = sandbox.send(template=template)
    assert sandbox.delete(f"/notifications/{template}").status_code == 204
    pipeline.drain()
    assert sandbox.ending(id_) == ("UNMAPPED", None)


def test_a_template_that_was_never_published(sandbox: Api, pipeline: Pipeline) -> None:
    template = sandbox.template(state="DRAFT")
    id_ = sandbox.send(template=template)
    pipeline.drain()
    assert sandbox.ending(id_) == ("UNROUTABLE", "UNPUBLISHED")
    assert template in sandbox.message(id_)["error"]


# --- content that fails --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{{ ''.__class__ }}", "line 1: `__class__`"),
        ("first\n{{ name", "line 2"),
        ("{% for i in range(10) %}{% endfor %}", "`range(...)`"),
        ("{{#if x}}a{{/if}}", "{% if x %}"),
        ("first\n{{ name | nope }}", "line 2: there is no filter `nope`"),
    ],
)
def test_content_that_can_never_be_rendered_is_refused(
    sandbox: Api, database: Database, body: str, said: str
) -> None:
    answer = sandbox.post("/send", {"message": factories.message(content={"title": "Hello", "body": body})})
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("message.content.body: ")
    assert said in answer.json()["message"]
    assert database.count("message") == 0


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("first\nsecond {{ total / data.zero }}", "line 2: `/` divides by zero"),
        ("first\n{{ total | date('%Y', profile.zone) }}", "line 2: filter `date`"),
        (FOREVER, "more than 10000 loop steps"),
    ],
    ids=["operator", "filter", "endless"],
)
def test_content_that_fails_for_this_data_fails_its_message_alone(
    sandbox: Api, pipeline: Pipeline, body: str, said: str
) -> None:
    data = {"total": 3, "zero": 0, "l": list(range(100))}
    to = {"email": factories.ADA, "zone": "Nowhere/Land"}
    before, bad, after = (
        sandbox.send(to=to, data=data, content={"title": "Hello", "body": text})
        for text in ("ok", body, "ok")
    )
    assert pipeline.step(Stage.RENDER) == 3
    pipeline.drain()
    assert sandbox.ending(bad) == ("UNDELIVERABLE", "FAILED")
    assert said in sandbox.message(bad)["error"]
    (entry,) = sandbox.history(bad, "UNDELIVERABLE")
    assert said in entry["error_message"]
    assert [sandbox.message(id_)["status"] for id_ in (before, after)] == ["SENT", "SENT"]


def test_a_channel_block_that_fails_leaves_the_others(sandbox: Api, pipeline: Pipeline) -> None:
    template = sandbox.template(factories.blocks(email=("{{ 1 / data.zero }}", "."), sms=("", "Fine.")))
    to = {"email": factories.ADA, "phone_number": factories.PHONE}
    routing = {"method": "all", "channels": ["email", "sms"]}
    id_ = sandbox.send(to=to, template=template, data={"zero": 0}, routing=routing)
    pipeline.drain()
    found = sandbox.message(id_)
    assert found["status"] == "SENT"
    tried = {attempt["channel"]["name"]: attempt for attempt in found["providers"]}
    assert (tried["email"]["status"], tried["sms"]["status"]) == ("UNDELIVERABLE", "SENT")
    assert "divides by zero" in tried["email"]["error"]


def test_a_fault_of_ours_fails_its_message_alone(
    sandbox: Api, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = elemental.resolve

    def broken(content: dict[str, Any], **rest: Any) -> Any:
        if content["title"] == "odd":
            raise RuntimeError("a bug")
        return resolve(content, **rest)

    monkeypatch.setattr(elemental, "resolve", broken)
    odd, even = (sandbox.send(content={"title": title, "body": "."}) for title in ("odd", "even"))
    pipeline.drain()
    assert sandbox.ending(odd) == ("UNDELIVERABLE", "FAILED")
    assert "RuntimeError" in sandbox.message(odd)["error"]
    assert "a bug" not in sandbox.message(odd)["error"]
    assert sandbox.message(even)["status"] == "SENT"


def test_work_whose_message_has_gone_ends(sandbox: Api, pipeline: Pipeline, database: Database) -> None:
    gone, kept = sandbox.send(), sandbox.send()
    database("DELETE FROM message WHERE id = ANY(%s)", row_ids(gone))
    pipeline.drain()
    assert sandbox.message(kept)["status"] == "SENT"
    assert database.work() == []


# --- delays --------------------------------------------------------------------------------------


def _enqueued_at(database: Database, id_: str) -> Any:
    return database.one("SELECT enqueued_at FROM message WHERE id = %s", *row_ids(id_))


def test_a_delay_ends_exactly_after_its_duration(
    sandbox: Api, pipeline: Pipeline, database: Database, time: Time
) -> None:
    id_ = sandbox.send(delay={"duration": 40_123})
    pipeline.drain()
    assert sandbox.message(id_)["status"] == "DELAYED"
    due_at = _enqueued_at(database, id_) + timedelta(milliseconds=40_123)
    (row,) = database.work()
    assert (row["due_at"], row["stage"], row["parked"]) == (due_at, "route", False)
    assert [(wake.place, wake.at) for wake in pipeline.waiting] == [(ROUTE, due_at)]
    time.passes(seconds=10)
    pipeline.drain()
    assert sandbox.message(id_)["status"] == "DELAYED"
    time.passes(seconds=30.2)
    pipeline.drain()
    assert sandbox.message(id_)["status"] == "SENT"


def test_a_delay_ends_at_its_instant(
    sandbox: Api, pipeline: Pipeline, database: Database, time: Time
) -> None:
    until = (clock.now() + timedelta(seconds=30)).replace(microsecond=0)
    id_ = sandbox.send(delay={"until": until.isoformat()})
    pipeline.drain()
    assert [row["due_at"] for row in database.work()] == [until]
    time.passes(seconds=31)
    pipeline.drain()
    assert sandbox.message(id_)["status"] == "SENT"


@pytest.mark.parametrize("delay", [{"duration": 0}, {"until": "2020-01-01"}, {"until": None}])
def test_a_delay_that_is_over_is_none(sandbox: Api, pipeline: Pipeline, delay: dict[str, Any]) -> None:
    id_ = sandbox.send(delay=delay)
    pipeline.drain()
    assert sandbox.message(id_)["status"] == "SENT"
    history = sandbox.happened(id_)
    assert "DELAYED" not in history


def test_a_delay_beyond_the_horizon_is_parked(
    sandbox: Api, pipeline: Pipeline, database: Database, time: Time
) -> None:
    id_ = sandbox.send(delay={"duration": 21 * 24 * 3600 * 1000})
    pipeline.drain()
    assert sandbox.message(id_)["status"] == "DELAYED"
    assert pipeline.waiting == []
    (row,) = database.work()
    assert row["parked"]
    assert row["due_at"] == _enqueued_at(database, id_) + timedelta(days=21)
    assert pipeline.dispatch() == pipeline.reconcile() == ()
    time.passes(seconds=21 * 24 * 3600 - 30)
    (wake,) = pipeline.dispatch()
    assert (wake.place, wake.ids, wake.at) == (ROUTE, tuple(row_ids(id_)), row["due_at"])
    pipeline.drain()
    assert sandbox.message(id_)["status"] == "DELAYED"
    time.passes(seconds=31)
    pipeline.drain()
    assert sandbox.message(id_)["status"] == "SENT"


def test_a_delay_is_in_the_log(sandbox: Api, pipeline: Pipeline) -> None:
    id_ = sandbox.send(delay={"duration": 30_000})
    pipeline.drain()
    assert sandbox.happened(id_) == ["ENQUEUED", "PROFILE_LOADED", "DELAYED"]
