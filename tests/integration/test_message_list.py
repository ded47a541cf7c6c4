"""``GET /messages``: each filter of the reference, in both spellings, and paging while messages arrive."""

from typing import Any

import pytest

from notify import clock
from tests import factories
from tests.integration.harness import Api, Database, Pipeline, pages, row_ids
from tests.servers import ProviderLab

PAGE = 100


@pytest.fixture
def log(api: Api, pipeline: Pipeline, lab: ProviderLab) -> dict[str, str]:
    """Messages that differ in what can be asked for, by name."""
    api.configure("sendgrid", factories.sendgrid(lab))
    api.configure("twilio", factories.twilio(lab))
    tagged = {"tags": ["red", "round"], "trace_id": "t-1", "event": "signup"}
    made = {
        "mail": api.send(to={"user_id": "ada", "email": factories.ADA}, metadata=tagged),
        "text": api.send(to={"user_id": "eve", "phone_number": factories.PHONE}, metadata={"tags": ["red"]}),
        "lost": api.send(template="nt_missing"),
        "tenant": api.send(to={"email": factories.ADA, "tenant_id": "acme"}),
        "bad": api.send(to={"email": "fail@example.com"}, metadata={"tags": ["blue"]}),
    }
    pipeline.drain()
    made["late"] = api.send(delay={"duration": 3_600_000})
    pipeline.drain()
    made["new"] = api.send()
    return made


CASES: list[tuple[str, set[str]]] = [
    ("", {"mail", "text", "lost", "tenant", "bad", "late", "new"}),
    ("event=signup", {"mail"}),
    ("event=nt_missing", {"lost"}),
    ("notification=nt_missing", {"lost"}),
    ("list=nonesuch", set()),
    ("messageId=$mail", {"mail"}),
    ("messageId=nonsense", set()),
    ("provider=sendgrid", {"mail", "tenant", "bad"}),
    ("provider=twilio,pigeon", {"text"}),
    ("provider=twilio&provider=sendgrid", {"mail", "text", "tenant", "bad"}),
    ("recipient=ada", {"mail"}),
    ("status=SENT", {"mail", "text", "tenant"}),
    ("status=ENQUEUED", {"new"}),
    ("status=DELAYED", {"late"}),
    ("status=ROUTED", set()),
    ("status=UNMAPPED,UNDELIVERABLE", {"lost", "bad"}),
    ("status=UNMAPPED&status=SENT", {"lost", "mail", "text", "tenant"}),
    ("status=ENQUEUED,DELAYED,SENT", {"new", "late", "mail", "text", "tenant"}),
    ("tag=red", {"mail", "text"}),
    ("tag=red,round", {"mail"}),
    ("tag=red&tag=round", {"mail"}),
    ("tags=round,blue", {"mail", "bad"}),
    ("tags=round&tags=blue", {"mail", "bad"}),
    ("tenant_id=acme", {"tenant"}),
    ("traceId=t-1", {"mail"}),
    ("traceId=$text", {"text"}),
    ("archived=false", {"mail", "text", "lost", "tenant", "bad", "late", "new"}),
    ("tag=red&status=SENT&provider=twilio", {"text"}),
    ("tag=red&status=UNMAPPED", set()),
]


def test_every_filter_finds_what_it_should_and_nothing_else(api: Api, log: dict[str, str]) -> None:
    names = {id_: name for name, id_ in log.items()}
    for query, expected in CASES:
        for name, id_ in log.items():
            query = query.replace(f"${name}", id_)
        answer = api.get(f"/messages?{query}")
        found = [message["id"] for message in answer.json()["results"]]
        assert ({names[id_] for id_ in found}, query) == (expected, query)
        assert found == sorted(found, reverse=True), query


@pytest.mark.parametrize("form", ["ms", "iso"])
def test_messages_enqueued_after_an_instant(api: Api, form: str) -> None:
    api.send()
    at = clock.now()
    text = str(clock.to_ms(at)) if form == "ms" else at.isoformat()
    later = api.send()
    assert [message["id"] for message in api.messages(enqueued_after=text)] == [later]


def test_what_is_sent_to_many_is_enqueued_when_it_was_asked_for(sandbox: Api, pipeline: Pipeline) -> None:
    sandbox.send(to=[{"user_id": "ada"}, {"user_id": "eve"}])
    after = str(clock.to_ms(clock.now()))
    pipeline.drain()
    assert len(sandbox.messages()) == 2
    assert sandbox.messages(enqueued_after=after) == []


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("status=FAILED", "status"),
        ("status=SENT,PROCESSED", "status"),
        ("enqueued_after=tomorrow", "enqueued_after"),
        ("archived=perhaps", "archived"),
        ("cursor=nonsense", "cursor"),
    ],
)
def test_what_cannot_be_asked(api: Api, query: str, named: str) -> None:
    answer = api.get(f"/messages?{query}")
    assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request_error")
    assert named in answer.json()["message"]


# --- paging --------------------------------------------------------------------------------------


def _many(api: Api, pipeline: Pipeline, count: int, **fields: Any) -> None:
    api.send(to=[{"user_id": f"user-{n}"} for n in range(count)], **fields)
    pipeline.drain()


def test_pages_stay_as_they_are_while_messages_arrive(sandbox: Api, pipeline: Pipeline) -> None:
    _many(sandbox, pipeline, 2 * PAGE + 30)
    expected = [m["id"] for page in pages(sandbox) for m in page]
    seen: list[str] = []
    sizes = []
    for page in pages(sandbox):
        seen += [message["id"] for message in page]
        sizes.append(len(page))
        _many(sandbox, pipeline, 20)
    assert seen == expected
    assert sizes == [PAGE, PAGE, 30]


FILTERS = ({}, {"status": "SENT,DELIVERED"}, {"tag": "red"}, {"provider": "sandbox"}, {"event": "e"})


def test_every_filter_has_pages(sandbox: Api, pipeline: Pipeline) -> None:
    to = {"email": factories.ADA}
    sandbox.send(to=[to] * (PAGE + 5), metadata={"event": "e", "tags": ["red"]})
    pipeline.drain()
    for filters in FILTERS:
        found = [message["id"] for page in pages(sandbox, **filters) for message in page]
        assert (len(found), found) == (PAGE + 5, sorted(set(found), reverse=True)), filters


def test_a_cursor_belongs_to_its_filters(sandbox: Api, pipeline: Pipeline) -> None:
    _many(sandbox, pipeline, PAGE + 1, metadata={"event": "e", "tags": ["red", "blue"]})
    first = {"event": "e", "tags": "red,blue", "status": "UNROUTABLE,SENT"}
    cursor = sandbox.get("/messages", params=first).json()["paging"]["cursor"]
    for same in (first, {**first, "tags": ["blue", "red"]}, {**first, "status": ["SENT", "UNROUTABLE"]}):
        answer = sandbox.get("/messages", params={**same, "cursor": cursor})
        assert (answer.status_code, len(answer.json()["results"])) == (200, 1)
    for other in ({}, {"event": "e"}, {**first, "status": "SENT"}, {**first, "archived": True}):
        answer = sandbox.get("/messages", params={**other, "cursor": cursor})
        assert answer.status_code == 400
        assert "cursor" in answer.json()["message"]
    assert sandbox.get("/notifications", params={"cursor": cursor}).status_code == 400


def test_a_page_is_found_by_the_same_order_in_every_plan(
    api: Api, log: dict[str, str], database: Database
) -> None:
    """A message that several alternatives find is one line: its trace is its own request's id, too."""
    (id_,) = row_ids(log["mail"])
    database("UPDATE message SET trace_id = %s WHERE id = %s", log["mail"], id_)
    assert [message["id"] for message in api.messages(traceId=log["mail"])] == [log["mail"]]
