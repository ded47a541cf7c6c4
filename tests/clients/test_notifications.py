"""Templates, as the official client has them: content, locales, versions, approval, metrics."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from courier import BadRequestError, ConflictError, Courier, NotFoundError

from tests import factories
from tests.integration.harness import Api, Pipeline, Time

EMAIL: Any = {"method": "single", "channels": ["email"]}


def _body(content: dict[str, Any] | None = None, **fields: Any) -> Any:
    return factories.template(content, **fields)


def _create(client: Courier, state: Any = "PUBLISHED", **fields: Any) -> str:
    return client.notifications.create(notification=_body(**fields), state=state).id


def _elements(client: Courier, id_: str, version: str = "draft") -> list[Any]:
    """The elements inside the first block."""
    return list(_content(client, id_, version)[0]["elements"])


def _content(client: Courier, id_: str, version: str = "draft") -> list[Any]:
    found: Any = client.notifications.with_raw_response.retrieve_content(id_, version=version)
    return list(found.json()["elements"])


def _text(client: Courier, pipeline: Pipeline, id_: str, **to: Any) -> str:
    to = {"email": factories.ADA, **to}
    sent = client.send.message(message={"to": to, "template": id_, "routing": EMAIL}).request_id  # type: ignore[typeddict-item]
    pipeline.drain()
    return str(client.messages.content(sent).results[0].content.text)


def test_content_has_ids_and_checksums(client: Courier) -> None:
    id_ = _create(client)
    meta, text = _elements(client, id_, "published")
    assert meta["id"].startswith("elem_")
    assert meta["id"] != text["id"]
    assert len({meta["checksum"], text["checksum"]}) == 2
    assert client.notifications.retrieve(id_).content.elements
    with pytest.raises(NotFoundError):
        client.notifications.retrieve_content("nt_none")
    with pytest.raises(NotFoundError):
        client.notifications.retrieve_content(_create(client, "DRAFT"))


def test_one_element_is_replaced(client: Courier, pipeline: Pipeline) -> None:
    id_ = _create(client)
    meta, text = _elements(client, id_)
    changed = client.notifications.put_element(text["id"], id=id_, type="text", data={"content": "Better."})
    assert changed.state == "DRAFT"
    sums = {one.id: one.checksum for one in changed.elements}
    assert sums[meta["id"]] == meta["checksum"]
    assert sums[text["id"]] != text["checksum"]
    assert _text(client, pipeline, id_) == "Good to see you."

    client.notifications.put_element(
        text["id"], id=id_, type="text", data={"content": "Best."}, if_="data.x", state="PUBLISHED"
    )
    assert _text(client, pipeline, id_) == ""
    with pytest.raises(NotFoundError):
        client.notifications.put_element("elem_none", id=id_, type="text", data={"content": "x"})
    with pytest.raises(BadRequestError, match="content"):
        client.notifications.put_element(text["id"], id=id_, type="text", data={})


def test_locales_are_merged_and_sent(client: Courier, pipeline: Pipeline) -> None:
    id_ = _create(client)
    meta, text = _elements(client, id_)
    client.notifications.put_locale("de", id=id_, elements=[{"id": text["id"], "content": "Guten Tag."}])
    client.notifications.put_locale(
        "de", id=id_, elements=[{"id": meta["id"], "title": "Willkommen"}], state="PUBLISHED"
    )
    assert _text(client, pipeline, id_, locale="de") == "Guten Tag."
    assert _text(client, pipeline, id_, locale="fr") == "Good to see you."
    stored = _elements(client, id_)
    assert stored[0]["locales"]["de"]["title"] == "Willkommen"
    assert stored[1]["locales"]["de"]["checksum"] != stored[1]["checksum"]

    both: Any = [{"id": text["id"], "content": "Nein"}, {"id": "elem_none", "content": "x"}]
    with pytest.raises(BadRequestError, match="elem_none"):
        client.notifications.put_locale("de", id=id_, elements=both)
    assert _elements(client, id_)[1]["locales"]["de"]["content"] == "Guten Tag."


def test_all_content_is_replaced_and_ids_keep_their_locales(client: Courier) -> None:
    id_ = _create(client)
    _, text = _elements(client, id_)
    client.notifications.put_locale("de", id=id_, elements=[{"id": text["id"], "content": "Guten Tag."}])
    flat: Any = {
        "elements": [{"type": "text", "id": text["id"], "content": "One"}, {"type": "text", "content": "Two"}]
    }
    changed = client.notifications.put_content(id_, content=flat)
    assert (changed.version, len(changed.elements)) == ("2022-01-01", 2)
    kept, new = _content(client, id_)
    assert kept["locales"]["de"]["content"] == "Guten Tag."
    assert (kept["content"], new["content"], "locales" in new) == ("One", "Two", False)
    with pytest.raises(BadRequestError):
        client.notifications.put_content(id_, content={"elements": [{"type": "nonsense"}]})  # type: ignore[typeddict-item]


def test_versions_grow_and_an_old_one_comes_back(client: Courier, pipeline: Pipeline) -> None:
    id_ = _create(client)
    for n in range(2, 13):
        content = factories.blocks(email=("Hi", f"Version {n}"))
        client.notifications.replace(id_, notification=_body(content), state="PUBLISHED")
    client.notifications.publish(id_, version="v003")
    assert _text(client, pipeline, id_) == "Version 3"

    first = client.notifications.list_versions(id_)
    assert [one.version for one in first.versions[:3]] == ["draft", "published:v013", "v012"]
    assert first.versions[0].has_changes is True
    assert len(first.versions) == 10
    rest = client.notifications.list_versions(id_, cursor=first.paging.cursor or "")
    assert [one.version for one in rest.versions] == ["v004", "v003", "v002", "v001"]
    assert rest.paging.more is False
    one = client.notifications.list_versions(id_, limit=1)
    two = client.notifications.list_versions(id_, limit=1, cursor=one.paging.cursor or "")
    assert [page.versions[0].version for page in (one, two)] == ["draft", "published:v013"]
    with pytest.raises(BadRequestError):
        client.notifications.list_versions(id_, limit=11)


def test_the_list_is_filtered(client: Courier) -> None:
    both = _create(client, tags=["News", "Fun"], alias="both/1")
    _create(client, tags=["news"])
    assert [one.id for one in client.notifications.list(tags="fun,NEWS").results] == [both]
    assert len(client.notifications.list(tags="news").results) == 2
    assert [one.id for one in client.notifications.list(event_id="both/1").results] == [both]


def test_email_headers_stay_unless_they_are_given(client: Courier) -> None:
    headers: Any = {"reply_to": "help@example.com", "from": "us@example.com"}
    id_ = _create(client, email=headers)

    def put(**fields: Any) -> Any:
        return client.notifications.replace(id_, notification=_body(**fields), state="PUBLISHED").email

    assert put().reply_to == "help@example.com"
    other: Any = {"reply_to": "other@example.com"}
    assert (put(email=other).from_, put().reply_to) == (None, "other@example.com")
    assert put(email=None) is None
    assert put(content=factories.blocks(sms=("a", "b")), email=headers) is None


def test_what_a_template_names_is_there(client: Courier) -> None:
    with pytest.raises(BadRequestError, match="topic"):
        _create(client, subscription={"topic_id": "nowhere"})


def test_a_draft_waits_for_its_checks(
    client: Courier, sandbox: Api, configured: Callable[..., None], database: Any, pipeline: Pipeline
) -> None:
    configured(template_checks="legal, brand")
    id_ = _create(client, "DRAFT")
    client.notifications.publish(id_)
    with pytest.raises(NotFoundError):
        client.notifications.retrieve(id_)
    submission = database.one("SELECT id FROM template_submission")

    def answer(**statuses: Any) -> list[Any]:
        checks: Any = [{"id": name, "type": "custom", "status": is_} for name, is_ in statuses.items()]
        return [
            one.status for one in client.notifications.checks.update(submission, id=id_, checks=checks).checks
        ]

    found = client.notifications.checks.list(submission, id=id_).checks
    assert [(one.id, one.status) for one in found] == [("legal", "PENDING"), ("brand", "PENDING")]
    for locked in (
        lambda: client.notifications.replace(id_, notification=_body()),
        lambda: client.notifications.put_content(id_, content={"elements": []}),
        lambda: client.notifications.publish(id_),
    ):
        with pytest.raises(ConflictError) as refused:
            locked()
        assert refused.value.response.headers["x-should-retry"] == "false"
    assert answer(legal="RESOLVED", brand="FAILED") == ["RESOLVED", "FAILED"]
    with pytest.raises(NotFoundError):
        client.notifications.retrieve(id_)
    assert answer(legal="RESOLVED", brand="RESOLVED") == ["RESOLVED", "RESOLVED"]
    assert client.notifications.retrieve(id_).state == "PUBLISHED"
    with pytest.raises(ConflictError):
        answer(legal="FAILED")


def test_a_submission_is_taken_back(client: Courier, configured: Callable[..., None], database: Any) -> None:
    configured(template_checks="legal")
    created = client.notifications.create(notification=_body(), state="PUBLISHED")
    assert created.state == "DRAFT"
    submission = database.one("SELECT id FROM template_submission")
    client.notifications.checks.delete(submission, id=created.id)
    assert [one.status for one in client.notifications.checks.list(submission, id=created.id).checks] == [
        "FAILED"
    ]
    assert client.notifications.replace(created.id, notification=_body()).state == "DRAFT"
    with pytest.raises(NotFoundError):
        client.notifications.checks.list("1", id=created.id)


def test_metrics_count_what_became_of_the_messages(client: Courier, pipeline: Pipeline, time: Time) -> None:
    id_ = _create(client, content=factories.blocks(email=("a", "b"), sms=("a", "b")), alias="counted")
    both: Any = {"method": "all", "channels": ["email", "sms"]}
    to: Any = {"email": factories.ADA, "phone_number": factories.PHONE}
    for name in (id_, "counted"):
        client.send.message(message={"to": to, "template": name, "routing": both})
    pipeline.drain()
    found = client.notifications.get_metrics(id_, granularity="HOUR", lookback="PT3H")
    assert (found.notification_id, found.granularity, len(found.series)) == (id_, "HOUR", 4)
    assert found.series[0].period == found.start
    assert found.end - found.start == timedelta(hours=4)
    counted = {(one.channel, one.provider): one.sent for one in found.series[-1].data}
    assert counted == {("email", "sandbox"): 2, ("sms", "sandbox"): 2}
    assert [one.data for one in found.series[:-1]] == [[], [], []]
    assert {len(client.notifications.get_metrics("nt_none").series)} == {31}
    weekly = client.notifications.get_metrics(id_, granularity="WEEK")
    assert {one.period.isoweekday() for one in weekly.series} == {7}
    monthly = client.notifications.get_metrics(id_, granularity="MONTH", lookback="P365D")
    assert {one.period.day for one in monthly.series} == {1}


@pytest.mark.parametrize(
    "asked",
    [
        {"start": "2026-01-01T00:00:00Z"},
        {"start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"},
        {"start": "2026-01-01T00:00:00", "end": "2026-01-02T00:00:00"},
        {"start": "yesterday", "end": "today"},
        {"lookback": "-P1D"},
        {"lookback": "P0D"},
        {"lookback": "soon"},
        {"lookback": "P999999999D"},
        {"granularity": "MINUTE"},
        {"granularity": "HOUR", "lookback": "P8D"},
        {"granularity": "DAY", "lookback": "P91D"},
        {"granularity": "WEEK", "start": "2001-01-01T00:00:00Z", "end": "2101-01-01T00:00:00Z"},
    ],
    ids=str,
)
def test_a_window_that_cannot_be_counted_is_refused(client: Courier, asked: dict[str, str]) -> None:
    with pytest.raises(BadRequestError) as refused:
        client.notifications.get_metrics("nt_any", **asked)  # type: ignore[arg-type]
    assert refused.value.body["type"] == "invalid_params"  # type: ignore[index]
