"""Receipts in any order, any number of times: what a delivery is afterwards."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notify import ids
from notify.model.call import Blame
from notify.model.names import Channel
from notify.model.plan import DeliveryState
from notify.model.receipt import Receipt, Reported, StatusUpdate
from notify.pipeline.reporting import RETURNING, News, apply
from notify.store.deliveries import Delivery

SENT = datetime(2026, 3, 1, 12, tzinfo=UTC)
GOOD = [event for event in Reported if event not in RETURNING]


def _delivery(state: DeliveryState = DeliveryState.SENT) -> Delivery:
    return Delivery(
        message_id=ids.new(),
        id=ids.new(),
        leaf="0",
        candidate=0,
        channel=Channel.EMAIL,
        provider="sendgrid",
        provider_id=UUID(int=1),
        started_at=SENT,
        state=state,
        sent_at=None if state is DeliveryState.ACTIVE else SENT,
        tries=1,
    )


def _receipt(event: Reported, happened_s: float = 10, received_s: float = 60, told: bool = True) -> Receipt:
    at = SENT + timedelta(seconds=happened_s)
    return Receipt(
        id=ids.new(),
        provider_id=UUID(int=1),
        update=StatusUpdate(event=event, at=at if told else None),
        received_at=SENT + timedelta(seconds=received_s),
    )


def _after(delivery: Delivery, receipts: list[Receipt]) -> tuple[Delivery, list[News]]:
    news = []
    for receipt in receipts:
        delivery, new = apply(delivery, receipt)
        news += [new] if new else []
    return delivery, news


RECEIPTS = st.builds(
    _receipt,
    st.sampled_from(GOOD),
    st.floats(-1e6, 1e6),
    st.floats(0, 1e6),
    st.booleans(),
)


@given(st.lists(RECEIPTS, max_size=8), st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_order_and_repetition_do_not_matter(receipts: list[Receipt], chance: object) -> None:
    once = _after(_delivery_of(1), receipts)[0]
    shuffled = receipts * 2
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert _after(_delivery_of(1), shuffled)[0] == once


def _delivery_of(number: int) -> Delivery:
    """The same each time, ids included."""
    from dataclasses import replace

    return replace(_delivery(), message_id=UUID(int=number), id=UUID(int=number + 1))


@given(st.lists(st.builds(_receipt, st.sampled_from(list(Reported)), st.floats(-1e6, 1e6)), max_size=10))
@settings(max_examples=300, deadline=None)
def test_each_kind_is_news_once(receipts: list[Receipt]) -> None:
    delivery, news = _after(_delivery(), receipts)
    kinds = ["returned" if one.receipt.update.event in RETURNING else one.type for one in news]
    assert len(kinds) == len(set(kinds))
    assert _after(delivery, receipts) == (delivery, [])


@given(st.lists(st.builds(_receipt, st.sampled_from(list(Reported)), st.floats(-1e9, 1e9)), max_size=10))
@settings(max_examples=200, deadline=None)
def test_nothing_happens_before_it_was_sent_or_after_it_was_told(receipts: list[Receipt]) -> None:
    delivery, _ = _after(_delivery(), receipts)
    times = [delivery.delivered_at, delivery.opened_at, delivery.clicked_at, delivery.complained_at]
    assert all(SENT <= at <= SENT + timedelta(seconds=60) for at in times if at)


@pytest.mark.parametrize("others", [[], GOOD])
def test_what_came_back_stays_so(others: list[Reported]) -> None:
    delivery, _ = _after(_delivery(), [_receipt(Reported.BOUNCED), *map(_receipt, others)])
    assert (delivery.state, delivery.blame) == (DeliveryState.RETURNED, Blame.RECIPIENT)
    assert delivery.error == "The address bounced."


def test_a_failure_is_not_the_addresss_fault() -> None:
    delivery, (news,) = _after(_delivery(), [_receipt(Reported.FAILED)])
    assert (delivery.state, delivery.blame, news.suppression) == (
        DeliveryState.RETURNED, Blame.PROVIDER, None,
    )  # fmt: skip


@pytest.mark.parametrize("event", list(Reported))
def test_whatever_is_reported_of_it_was_sent(event: Reported) -> None:
    delivery, (news,) = _after(_delivery(DeliveryState.ACTIVE), [_receipt(event)])
    assert delivery.state in {DeliveryState.SENT, DeliveryState.RETURNED}
    assert (delivery.sent_at, news.was_unknown) == (SENT + timedelta(seconds=10), True)


@pytest.mark.parametrize("state", [DeliveryState.FAILED, DeliveryState.CANCELED, DeliveryState.RETURNED])
def test_what_has_ended_is_not_ended_again(state: DeliveryState) -> None:
    before = _delivery(state)
    assert _after(before, [_receipt(Reported.BOUNCED), _receipt(Reported.FAILED)]) == (before, [])
