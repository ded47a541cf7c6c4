"""Escalation: when the next channel starts, and random trees in which nothing starts twice or too late."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notify.model.call import Blame
from notify.model.plan import Attempted, Criterion, DeliveryState, Escalation, Method, Node, Plan
from notify.model.wire import MessageTimeouts
from notify.routing.advance import advance
from notify.routing.escalation import escalates_at, escalation
from notify.routing.leaves import leaves_of
from tests.unit.test_advance import (
    ACTIVE,
    CANCELED,
    DEADLINE,
    FAILED,
    ROOTS,
    SENT,
    T0,
    all_,
    leaf,
    single,
    starts,
    tree,
    tried,
)

HOUR = 60
RETURNED = DeliveryState.RETURNED


def escalating(root: Node, criterion: Criterion = Criterion.VIEWED) -> Plan:
    """After an hour."""
    asked = Escalation(criterion=criterion, after_ms=3_600_000)
    return Plan(root=root, skipped=(), deadline=DEADLINE, escalation=asked)


def sent(key: str, at: float = 0, reached: Criterion | None = None) -> Attempted:
    """``at``: minutes after the first."""
    attempt = tried(key, SENT, at=at)
    return replace(attempt, sent_at=attempt.started_at, reached=reached)


THREE = single(leaf("0"), leaf("1"), leaf("2"))
NESTED = single(single(leaf("0.0"), leaf("0.1")), leaf("1"))
BOTH = single(all_(leaf("0.0"), leaf("0.1")), leaf("1"))
BESIDE = all_(leaf("0"), single(leaf("1.0"), leaf("1.1")))
REFUSED = tried("1", FAILED, blame=Blame.RECIPIENT, at=HOUR)


@pytest.mark.parametrize(
    ("root", "attempts", "minutes", "expected"),
    [
        (THREE, [sent("0")], HOUR - 1, []),
        (THREE, [sent("0")], HOUR, [("1", 0)]),
        (THREE, [sent("0"), tried("1", ACTIVE, at=HOUR)], 3 * HOUR, []),
        # Each channel has its own hour.
        (THREE, [sent("0"), sent("1", at=HOUR)], 2 * HOUR - 1, []),
        (THREE, [sent("0"), sent("1", at=HOUR)], 2 * HOUR, [("2", 0)]),
        (THREE, [sent("0"), sent("1", at=HOUR), sent("2", at=2 * HOUR)], 9 * HOUR, []),
        # A channel that fails is no answer: the one after it follows at once.
        (THREE, [sent("0"), REFUSED], HOUR, [("2", 0)]),
        # The criterion is the message's, wherever it is met.
        (THREE, [sent("0", reached=Criterion.VIEWED)], HOUR, []),
        (THREE, [sent("0", reached=Criterion.VIEWED), REFUSED], 2 * HOUR, []),
        (THREE, [sent("0"), sent("1", at=HOUR, reached=Criterion.ENGAGED)], 2 * HOUR, []),
        (THREE, [sent("0", reached=Criterion.DELIVERED)], HOUR, [("1", 0)]),
        # What came back leads on by escalation only.
        (THREE, [tried("0", RETURNED, blame=Blame.RECIPIENT)], HOUR - 1, []),
        (THREE, [tried("0", RETURNED, blame=Blame.RECIPIENT)], HOUR, [("1", 0)]),
        # The inner `single` first, then the outer.
        (NESTED, [sent("0.0")], HOUR, [("0.1", 0)]),
        (NESTED, [sent("0.0"), sent("0.1", at=HOUR)], 2 * HOUR - 1, []),
        (NESTED, [sent("0.0"), sent("0.1", at=HOUR)], 2 * HOUR, [("1", 0)]),
        # An `all` has its time as long as any of it has.
        (BOTH, [sent("0.0"), sent("0.1", at=1)], HOUR, []),
        (BOTH, [sent("0.0"), tried("0.1", ACTIVE)], HOUR, []),
        (BOTH, [sent("0.0"), sent("0.1", at=1)], HOUR + 1, [("1", 0)]),
        (BOTH, [sent("0.0"), tried("0.1", FAILED, blame=Blame.CONTENT)], HOUR, [("1", 0)]),
        # The branches of an `all` are nobody's next channel.
        (all_(leaf("0"), leaf("1")), [sent("0"), sent("1")], HOUR, []),
        (BESIDE, [sent("0"), sent("1.0")], HOUR, [("1.1", 0)]),
        # Never past the message's own limit, and never once it was cancelled.
        (THREE, [sent("0")], 72 * HOUR, []),
        (THREE, [sent("0"), tried("1", CANCELED, at=HOUR)], 2 * HOUR, []),
    ],
)
def test_what_starts(
    root: Node, attempts: list[Attempted], minutes: float, expected: list[tuple[str, int]]
) -> None:
    assert starts(advance(escalating(root), attempts, T0 + timedelta(minutes=minutes))) == expected


@pytest.mark.parametrize("reached", Criterion)
@pytest.mark.parametrize("criterion", Criterion)
def test_which_news_meets_which_criterion(criterion: Criterion, reached: Criterion) -> None:
    rising = list(Criterion)
    plan = escalating(THREE, criterion)
    met = not advance(plan, [sent("0", reached=reached)], T0 + timedelta(hours=1)).start
    assert met is (rising.index(reached) >= rising.index(criterion))


@pytest.mark.parametrize(
    ("root", "attempts", "key", "minutes"),
    [
        (THREE, [sent("0", at=5)], "0", HOUR + 5),
        (THREE, [sent("0"), sent("1", at=5)], "1", HOUR + 5),
        (NESTED, [sent("0.0"), sent("0.1", at=5)], "0.1", HOUR + 5),
        (BOTH, [sent("0.0")], "0.0", HOUR),
        (BESIDE, [sent("1.0")], "1.0", HOUR),
        # Nothing could follow.
        (THREE, [sent("2")], "2", None),
        (BESIDE, [sent("0")], "0", None),
        (NESTED, [sent("0.1"), sent("1")], "0.1", None),
        (THREE, [sent("0", reached=Criterion.VIEWED)], "0", None),
        (THREE, [tried("0", FAILED)], "0", None),
        (THREE, [sent("0", at=71 * HOUR)], "0", None),
    ],
)
def test_when_to_look_again(root: Node, attempts: list[Attempted], key: str, minutes: float | None) -> None:
    expected = None if minutes is None else T0 + timedelta(minutes=minutes)
    assert escalates_at(escalating(root), attempts, key) == expected


@pytest.mark.parametrize(
    ("timeout", "expected"),
    [
        (None, None),
        ({"escalation": 5}, None),
        ({"escalation": 5, "criteria": "no-escalation"}, None),
        ({"criteria": "viewed"}, None),
        ({"escalation": 5, "criteria": "viewed"}, Escalation(criterion=Criterion.VIEWED, after_ms=5)),
    ],
)
def test_what_a_message_asks_for(timeout: dict[str, object] | None, expected: Escalation | None) -> None:
    asked = MessageTimeouts.model_validate(timeout) if timeout else None
    assert escalation(asked) == expected


# --- random trees --------------------------------------------------------------------------------

OUTCOMES = ((SENT, None), (SENT, None), (FAILED, Blame.PROVIDER), (FAILED, Blame.RECIPIENT))


@settings(max_examples=200, deadline=None)
@given(ROOTS, st.integers(0, 2**32), st.sampled_from(Criterion), st.floats(0, 0.2))
def test_nothing_starts_twice_or_without_need(
    shape: object, seed: int, criterion: Criterion, chance: float
) -> None:
    """The stages as they are: ``advance`` after each outcome and each time its looking again is due."""
    root, luck = tree(shape), random.Random(seed)
    assert isinstance(root, Node)
    plan, now = escalating(root, criterion), T0
    attempts: list[Attempted] = []
    alarms: list[datetime] = []
    for _ in range(200):
        begun = {(attempt.leaf, attempt.candidate) for attempt in attempts}
        for start in advance(plan, attempts, now).start:
            assert (start.leaf.key, start.candidate) not in begun
            assert now < plan.deadline
            assert not _met(attempts, criterion) or not _replaces_what_was_sent(
                root, attempts, start.leaf.key
            )
            attempts.append(replace(tried(start.leaf.key, ACTIVE, start.candidate), started_at=now))
        active = [i for i, attempt in enumerate(attempts) if attempt.state is ACTIVE]
        if active:
            index = luck.choice(active)
            now += timedelta(minutes=luck.random() * 40)
            state, blame = luck.choice(OUTCOMES)
            reached = luck.choice(list(Criterion)) if luck.random() < chance else None
            attempts[index] = replace(
                attempts[index], state=state, blame=blame, sent_at=now, reached=reached if not blame else None
            )
            if state is SENT and (due := escalates_at(plan, attempts, attempts[index].leaf)):
                alarms.append(due)
        elif alarms:
            alarms.sort()
            now = max(now, alarms.pop(0))
        else:
            break
    else:
        raise AssertionError("it does not come to an end")
    if not _met(attempts, criterion) and now < plan.deadline:
        check_complete(root, attempts)


def _met(attempts: Sequence[Attempted], criterion: Criterion) -> bool:
    rising = list(Criterion)
    return any(a.reached and rising.index(a.reached) >= rising.index(criterion) for a in attempts)


def _replaces_what_was_sent(entry: object, attempts: Sequence[Attempted], key: str) -> bool:
    """Whether an earlier entry of a ``single`` around the leaf was sent."""
    if not isinstance(entry, Node):
        return False
    index = next(i for i, e in enumerate(entry.entries) if any(leaf.key == key for leaf in leaves_of(e)))
    before = {leaf.key for e in entry.entries[:index] for leaf in leaves_of(e)}
    replaced = entry.method is Method.SINGLE and any(a.leaf in before and a.state is SENT for a in attempts)
    return replaced or _replaces_what_was_sent(entry.entries[index], attempts, key)


def check_complete(root: Node, attempts: Sequence[Attempted]) -> None:
    """Nobody was reached, so every channel has been tried, unless the time was up."""
    last = max(attempt.started_at for attempt in attempts)
    if last < DEADLINE - timedelta(hours=2):
        assert {attempt.leaf for attempt in attempts} == {leaf.key for leaf in leaves_of(root)}
