"""The messages of a broadcast lie within one millisecond: to record some of them reads those, not all."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import text

from notify import clock, ids
from notify.model.names import Channel, Lane, World
from notify.model.plan import DeliveryState
from notify.model.status import Status
from notify.store import contents, db, deliveries, messages
from notify.store.contents import Content
from notify.store.deliveries import Delivery
from notify.store.messages import NewMessage, StatusChange
from tests.integration.harness import Pipeline

_MANY, _FEW = 2000, 20
_READ = text("""
    SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables
    WHERE relname ~ :tables
""")


def _read(tx: db.Tx, table: str) -> int:
    return int(tx.execute(_READ, {"tables": f"^{table}(_[0-9]+)?$"}).scalar_one())


def _delivery(message_id: UUID) -> Delivery:
    return Delivery(
        message_id=message_id,
        id=ids.child(message_id, "0/0"),
        leaf="0",
        candidate=0,
        channel=Channel.SMS,
        provider="sandbox",
        provider_id=UUID(int=0),
        started_at=clock.now(),
    )


def _message(id_: UUID, request_id: UUID) -> NewMessage:
    return NewMessage(
        id=id_,
        request_id=request_id,
        world=World.PRODUCTION,
        lane=Lane.BULK,
        recipient="someone",
        user_id=None,
        tenant_id=None,
        entry={},
        event=None,
        notification=None,
        tags=(),
        trace_id=None,
        enqueued_at=clock.now(),
    )


@pytest.fixture
def broadcast(pipeline: Pipeline) -> Sequence[UUID]:
    """The messages of one, each with its content and a delivery that is under way."""
    request_id = ids.new()
    found = [ids.child(request_id, str(number)) for number in range(_MANY)]
    with db.begin() as tx:
        messages.insert(tx, [_message(id_, request_id) for id_ in found])
        contents.insert(tx, [Content(message_id=id_, document_json="{}", profile={}) for id_ in found])
        deliveries.insert(tx, [_delivery(id_) for id_ in found])
    return found


def test_outcomes(broadcast: Sequence[UUID]) -> None:
    some = [replace(_delivery(id_), state=DeliveryState.SENT, tries=1) for id_ in broadcast[:_FEW]]
    with db.begin() as tx:
        before = _read(tx, "delivery")
        deliveries.update(tx, some)
        assert _read(tx, "delivery") - before <= 10 * _FEW
        found = deliveries.of_messages(tx, broadcast[: _FEW + 1])
    assert sum(rows[0].state is DeliveryState.SENT for rows in found.values()) == _FEW


def test_marks_of_calls_that_begin(broadcast: Sequence[UUID]) -> None:
    with db.begin() as tx:
        before = _read(tx, "delivery")
        begun = deliveries.call(tx, [_delivery(id_) for id_ in broadcast[:_FEW]], clock.now())
        assert _read(tx, "delivery") - before <= 10 * _FEW
    assert len(begun) == _FEW


def test_statuses(broadcast: Sequence[UUID]) -> None:
    changes = [StatusChange(id=id_, status=Status.ROUTED, at=clock.now()) for id_ in broadcast[:_FEW]]
    with db.begin() as tx:
        before = _read(tx, "message")
        assert len(messages.set_status(tx, changes)) == _FEW
        assert _read(tx, "message") - before <= 10 * _FEW


def test_profiles(broadcast: Sequence[UUID]) -> None:
    changed = [Content(message_id=id_, document_json="{}", profile={"a": 1}) for id_ in broadcast[:_FEW]]
    with db.begin() as tx:
        before = _read(tx, "message_content")
        contents.update_profiles(tx, changed)
        assert _read(tx, "message_content") - before <= 10 * _FEW
        assert contents.load(tx, broadcast[:1])[broadcast[0]].profile == {"a": 1}
