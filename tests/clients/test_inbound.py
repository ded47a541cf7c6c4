"""Inbound events and the archive of requests, as the official client has them."""

from typing import Any

import pytest
from courier import BadRequestError, ConflictError, Courier, NotFoundError

from notify.store import db, inbound_events
from notify.store.inbound_events import Position
from tests import factories
from tests.clients.conftest import client_of
from tests.integration.harness import Api, Database, Pipeline


def _track(client: Courier, message_id: str, **fields: Any) -> str:
    given: Any = {"event": "shipped", "properties": {"order": 1}, "type": "track", **fields}
    return client.inbound.track_event(message_id=message_id, **given).message_id


def _since(position: Position | None = None, limit: int = 10) -> list[inbound_events.Read]:
    with db.begin() as tx:
        return list(inbound_events.since(tx, position, limit))


def test_an_event_is_kept_once(client: Courier, api: Api) -> None:
    assert _track(client, "m1", user_id="ada") == "m1"
    with pytest.raises(ConflictError) as known:
        _track(client, "m1")
    assert known.value.response.headers["x-should-retry"] == "false"
    assert _track(client_of(api), "m1") == "m1"
    (first, _) = [read.event for read in _since()]
    assert (first.event, first.message_id, first.user_id, first.properties) == (
        "shipped",
        "m1",
        "ada",
        {"order": 1},
    )
    with pytest.raises(BadRequestError, match="type"):
        _track(client, "m2", type="identify")


def test_a_reader_misses_nothing_that_commits_late(client: Courier, database: Database) -> None:
    """One who goes on from the last event it has read sees what an older transaction adds afterwards."""
    _track(client, "m1")
    late = database.connect()
    late.execute("SELECT pg_current_xact_id()")
    _track(client, "m2")
    (first,) = _since()
    late.execute(
        "INSERT INTO inbound_event (id, world, event, message_id, properties, received_at)"
        " VALUES (gen_random_uuid(), 'test', 'late', 'm0', '{}', now())"
    )
    late.commit()
    late.close()
    assert [read.event.message_id for read in _since(first.position)] == ["m0", "m2"]
    assert [read.event.message_id for read in _since(None, 1)] == ["m1"]


def test_a_request_is_archived_with_its_messages(client: Courier, pipeline: Pipeline) -> None:
    content: Any = {"title": "a", "body": "b"}
    to: Any = [{"email": factories.ADA}, {"email": "bob@example.com"}]
    id_ = client.send.message(message={"to": to, "content": content}).request_id
    pipeline.drain()
    assert len(client.messages.list(trace_id=id_).results) == 2
    client.requests.archive(id_)
    assert client.messages.list(trace_id=id_).results == []
    with pytest.raises(NotFoundError):
        client.requests.archive("1-5e2b2615-05efbb3acab9172f88dd3f6f")
