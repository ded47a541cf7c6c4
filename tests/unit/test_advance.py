"""advance: failover, `single` and `all` over random trees and outcomes, and each rule by example."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notify.model.call import Blame
from notify.model.names import Channel
from notify.model.plan import Attempted, Candidate, Decision, DeliveryState, Final, Leaf, Method, Node, Plan
from notify.model.status import Reason, Status
from notify.routing.advance import advance, fallback_exists
from notify.routing.leaves import leaves_of

T0 = datetime(2030, 1, 1, tzinfo=UTC)
DEADLINE = T0 + timedelta(hours=72)
CHANNEL_MS = 1_800_000
ACTIVE, SENT, FAILED, CANCELED = (
    DeliveryState.ACTIVE,
    DeliveryState.SENT,
    DeliveryState.FAILED,
    DeliveryState.CANCELED,
)


def leaf(key: str, *providers: str, channel: Channel = Channel.EMAIL) -> Leaf:
    candidates = tuple(
        Candidate(id=f"{key}/{p}", provider=p, timeout_ms=300_000) for p in providers or ("a",)
    )
    return Leaf(key=key, channel=channel, candidates=candidates, timeout_ms=CHANNEL_MS)


def single(*entries: Node | Leaf) -> Node:
    return Node(method=Method.SINGLE, entries=entries)


def all_(*entries: Node | Leaf) -> Node:
    return Node(method=Method.ALL, entries=entries)


def plan(root: Node) -> Plan:
    return Plan(root=root, skipped=(), deadline=DEADLINE)


def tried(
    key: str,
    state: DeliveryState,
    candidate: int = 0,
    *,
    blame: Blame | None = None,
    reason: str | None = None,
    at: float = 0,
) -> Attempted:
    """``at``: minutes after the first."""
    started = T0 + timedelta(minutes=at)
    return Attempted(
        leaf=key, candidate=candidate, state=state, started_at=started, blame=blame, reason=reason
    )


def starts(decision: Decision) -> list[tuple[str, int]]:
    return [(start.leaf.key, start.candidate) for start in decision.start]


# --- by example ------------------------------------------------------------------------------------

BY_PROVIDER = tried("0", FAILED, blame=Blame.PROVIDER, reason="401")
BY_RECIPIENT = tried("0", FAILED, blame=Blame.RECIPIENT, reason="no such user")
BY_CONTENT = tried("0", FAILED, blame=Blame.CONTENT, reason="line 3")
PAIR = single(leaf("0", "a", "b"), leaf("1", "c", channel=Channel.SMS))
LATE_CHANNEL = CHANNEL_MS / 60_000


@pytest.mark.parametrize(
    ("root", "attempts", "minutes", "expected"),
    [
        (PAIR, [], 0, [("0", 0)]),
        (PAIR, [tried("0", ACTIVE)], 0, []),
        (PAIR, [BY_PROVIDER], 0, [("0", 1)]),
        (PAIR, [BY_RECIPIENT], 0, [("1", 0)]),
        (PAIR, [BY_CONTENT], 0, [("1", 0)]),
        (PAIR, [BY_PROVIDER], LATE_CHANNEL - 1, [("0", 1)]),
        (PAIR, [BY_PROVIDER], LATE_CHANNEL, [("1", 0)]),
        (PAIR, [BY_PROVIDER, tried("0", ACTIVE, 1)], LATE_CHANNEL, []),
        # Without another channel the channel's timeout leads nowhere: the untried provider is taken.
        (single(leaf("0", "a", "b")), [BY_PROVIDER], LATE_CHANNEL, [("0", 1)]),
        (all_(leaf("0", "a", "b"), leaf("1")), [BY_PROVIDER, tried("1", SENT)], LATE_CHANNEL, [("0", 1)]),
        (PAIR, [tried("0", CANCELED)], 0, []),
        (all_(leaf("0"), leaf("1", "a", "b")), [], 0, [("0", 0), ("1", 0)]),
        (all_(leaf("0"), leaf("1")), [tried("0", SENT)], 0, [("1", 0)]),
        (all_(leaf("0"), leaf("1")), [BY_RECIPIENT], 0, [("1", 0)]),
        (all_(leaf("0"), single(leaf("1.0"), leaf("1.1"))), [tried("0", SENT)], 0, [("1.0", 0)]),
        # An `all` inside a `single` is over when none of it runs, and succeeded when any of it did.
        (single(all_(leaf("0"), leaf("1")), leaf("2")), [BY_RECIPIENT, tried("1", ACTIVE)], 0, []),
        (single(all_(leaf("0"), leaf("1")), leaf("2")), [BY_RECIPIENT, tried("1", SENT)], 0, []),
        (PAIR, [BY_PROVIDER], 72 * 60, []),
        # What was given up for a later entry stays so, also when the clock goes back.
        (PAIR, [BY_PROVIDER, tried("1", ACTIVE, at=LATE_CHANNEL)], 1, []),
        (PAIR, [tried("unknown", ACTIVE)], 0, [("0", 0)]),
    ],
)
def test_what_starts(
    root: Node, attempts: list[Attempted], minutes: float, expected: list[tuple[str, int]]
) -> None:
    assert starts(advance(plan(root), attempts, T0 + timedelta(minutes=minutes))) == expected


SECOND_PROVIDER = tried("0", FAILED, 1, blame=Blame.PROVIDER, reason="503", at=1)


@pytest.mark.parametrize(
    ("attempts", "minutes", "final"),
    [
        ([tried("0", SENT)], 0, Final(status=Status.SENT)),
        ([BY_RECIPIENT, tried("1", SENT, at=1)], 1, Final(status=Status.SENT)),
        ([tried("0", CANCELED)], 0, Final(status=Status.CANCELED)),
        ([tried("0", CANCELED), tried("1", SENT)], 0, Final(status=Status.SENT)),
        (
            [BY_PROVIDER, SECOND_PROVIDER, tried("1", FAILED, blame=Blame.RECIPIENT, reason="bad", at=2)],
            2,
            Final(
                status=Status.UNDELIVERABLE,
                reason=Reason.FAILED,
                error="sms/c: bad; email/b: 503; email/a: 401",
            ),
        ),
        (
            [BY_RECIPIENT, tried("1", FAILED, blame=Blame.PROVIDER, reason="billing", at=2)],
            2,
            Final(
                status=Status.UNDELIVERABLE,
                reason=Reason.PROVIDER_ERROR,
                error="sms/c: billing; email/a: no such user",
            ),
        ),
        (
            [BY_PROVIDER],
            72 * 60,
            Final(status=Status.UNDELIVERABLE, reason=Reason.FAILED, error="message timeout; email/a: 401"),
        ),
        ([], 72 * 60, Final(status=Status.UNDELIVERABLE, reason=Reason.FAILED, error="message timeout")),
    ],
)
def test_how_it_ends(attempts: list[Attempted], minutes: float, final: Final) -> None:
    decision = advance(plan(PAIR), attempts, T0 + timedelta(minutes=minutes))
    assert decision == Decision(final=final)


def test_a_deadline_that_kept_nothing_back_is_not_the_reason() -> None:
    attempts = [BY_RECIPIENT, tried("1", FAILED, blame=Blame.CONTENT, reason="x", at=1)]
    final = advance(plan(PAIR), attempts, DEADLINE).final
    assert final
    assert (final.reason, final.error) == (Reason.FAILED, "sms/c: x; email/a: no such user")


def test_an_endless_reason_is_cut() -> None:
    attempts = [replace(BY_RECIPIENT, reason="x" * 10_000)]
    final = advance(plan(single(leaf("0"))), attempts, T0).final
    assert final
    assert final.error
    assert len(final.error) < 400


@pytest.mark.parametrize(
    ("root", "attempts", "at", "expected"),
    [
        (PAIR, [tried("0", ACTIVE)], ("0", 0), True),
        (PAIR, [BY_PROVIDER, tried("0", ACTIVE, 1)], ("0", 1), True),
        (PAIR, [BY_RECIPIENT, tried("1", ACTIVE)], ("1", 0), False),
        (all_(leaf("0"), leaf("1")), [tried("0", ACTIVE)], ("0", 0), False),
        (all_(leaf("0", "a", "b"), leaf("1")), [tried("0", ACTIVE)], ("0", 0), True),
        (single(all_(leaf("0"), leaf("1")), leaf("2")), [tried("0", ACTIVE)], ("0", 0), True),
        (
            single(all_(leaf("0"), leaf("1")), leaf("2")),
            [tried("0", ACTIVE), tried("1", SENT)],
            ("0", 0),
            False,
        ),
        (all_(single(leaf("0"), leaf("1")), leaf("2")), [tried("0", ACTIVE)], ("0", 0), True),
        (PAIR, [tried("0", CANCELED), tried("1", ACTIVE)], ("1", 0), False),
        (PAIR, [], ("unknown", 0), False),
    ],
)
def test_whether_there_is_a_fallback(
    root: Node, attempts: list[Attempted], at: tuple[str, int], expected: bool
) -> None:
    assert fallback_exists(plan(root), attempts, *at) is expected


# --- random trees ----------------------------------------------------------------------------------

SHAPES = st.recursive(
    st.integers(1, 3),
    lambda inner: st.tuples(st.sampled_from(Method), st.lists(inner, min_size=1, max_size=4)),
    max_leaves=14,
)
ROOTS = st.tuples(st.sampled_from(Method), st.lists(SHAPES, min_size=1, max_size=4))
OUTCOMES = ((SENT, None), (FAILED, Blame.PROVIDER), (FAILED, Blame.RECIPIENT), (FAILED, Blame.CONTENT))


def tree(shape: object, path: tuple[int, ...] = ()) -> Node | Leaf:
    if isinstance(shape, int):
        return leaf(".".join(map(str, path)), *(f"p{i}" for i in range(shape)))
    method, children = shape  # type: ignore[misc]
    return Node(
        method=method, entries=tuple(tree(child, (*path, index)) for index, child in enumerate(children))
    )


@dataclass
class World:
    """A plan carried out with random luck; every start is checked against what was allowed."""

    plan: Plan
    luck: random.Random
    can_cancel: bool = False
    pace_min: float = 0
    now: datetime = T0
    attempts: list[Attempted] = field(default_factory=list)

    def run(self) -> Final:
        for _ in range(2 + 3 * sum(len(leaf.candidates) for leaf in leaves_of(self.plan.root))):
            decision = self.ask()
            if decision.final:
                assert not decision.start
                return decision.final
            self.begin(decision)
            if self.active():
                self.let_one_end()
        raise AssertionError("the plan does not come to an end")

    def ask(self) -> Decision:
        """Twice, in another order, and with a repeated attempt: one answer."""
        decision = advance(self.plan, self.attempts, self.now)
        others = self.luck.sample(self.attempts, len(self.attempts))
        assert advance(self.plan, others + others[:2], self.now) == decision
        return decision

    def begin(self, decision: Decision) -> None:
        for start in decision.start:
            assert self.now < self.plan.deadline
            assert not any(attempt.state is CANCELED for attempt in self.attempts)
            self.check_candidate(start.leaf, start.candidate)
            self.check_single(start.leaf)
            attempt = tried(start.leaf.key, ACTIVE, start.candidate)
            self.attempts.append(replace(attempt, started_at=self.now))

    def check_candidate(self, of: Leaf, candidate: int) -> None:
        before = [attempt for attempt in self.attempts if attempt.leaf == of.key]
        assert [attempt.candidate for attempt in before] == list(range(candidate))
        assert all((a.state, a.blame) == (FAILED, Blame.PROVIDER) for a in before)

    def check_single(self, of: Leaf) -> None:
        for node, index in enclosing(self.plan.root, of.key):
            if node.method is Method.SINGLE:
                others = [self.states(e) for i, e in enumerate(node.entries) if i != index]
                assert not any({SENT, ACTIVE} & states for states in others)
                assert all(others[:index]), "an entry was passed over"
                assert not any(others[index:]), "a later entry came first"

    def states(self, entry: Node | Leaf) -> set[DeliveryState]:
        keys = {leaf.key for leaf in leaves_of(entry)}
        return {attempt.state for attempt in self.attempts if attempt.leaf in keys}

    def active(self) -> list[int]:
        return [i for i, attempt in enumerate(self.attempts) if attempt.state is ACTIVE]

    def let_one_end(self) -> None:
        index = self.luck.choice(self.active())
        attempt = self.attempts[index]
        self.now += timedelta(minutes=self.luck.random() * self.pace_min)
        if self.can_cancel and self.luck.random() < 0.1:
            self.attempts = [replace(a, state=CANCELED) if a.state is ACTIVE else a for a in self.attempts]
            return
        state, blame = self.luck.choice(OUTCOMES)
        failed = replace(attempt, state=state, blame=blame, reason="r")
        fallback = fallback_exists(self.plan, self.attempts, attempt.leaf, attempt.candidate)
        self.attempts[index] = failed
        if (state, blame) == (FAILED, Blame.PROVIDER) and self.now < self.plan.deadline:
            if not fallback:
                assert not self.ask().start
            elif not self.active():
                assert self.ask().start


def enclosing(node: Node | Leaf, key: str) -> Iterator[tuple[Node, int]]:
    if isinstance(node, Leaf):
        return
    for index, entry in enumerate(node.entries):
        if any(leaf.key == key for leaf in leaves_of(entry)):
            yield node, index
            yield from enclosing(entry, key)


def nodes(entry: Node | Leaf) -> Iterator[Node]:
    if isinstance(entry, Node):
        yield entry
        for child in entry.entries:
            yield from nodes(child)


def check_final(final: Final, attempts: Sequence[Attempted]) -> None:
    states = {attempt.state for attempt in attempts}
    assert ACTIVE not in states
    if SENT in states:
        assert final == Final(status=Status.SENT)
    elif CANCELED in states:
        assert final == Final(status=Status.CANCELED)
    else:
        assert final.status is Status.UNDELIVERABLE
        assert final.error


@settings(max_examples=400, deadline=None)
@given(ROOTS, st.integers(0, 2**32), st.booleans(), st.sampled_from([0.0, 10.0, 3000.0]))
def test_every_plan_comes_to_its_end(shape: object, seed: int, can_cancel: bool, pace_min: float) -> None:
    root = tree(shape)
    assert isinstance(root, Node)
    world = World(plan(root), random.Random(seed), can_cancel, pace_min)
    final = world.run()
    check_final(final, world.attempts)
    undisturbed = world.now < DEADLINE and CANCELED not in world.states(root)
    for node in nodes(root):
        if undisturbed and node.method is Method.ALL and world.states(node):
            assert all(world.states(entry) for entry in node.entries), "a branch of `all` was left out"


@settings(max_examples=200, deadline=None)
@given(ROOTS, st.lists(st.tuples(st.integers(0, 13), st.integers(0, 3), st.sampled_from(DeliveryState))))
def test_any_history_gets_an_answer(shape: object, history: list[tuple[int, int, DeliveryState]]) -> None:
    root = tree(shape)
    assert isinstance(root, Node)
    keys = [leaf.key for leaf in leaves_of(root)]
    attempts = [
        tried(keys[i % len(keys)], state, candidate, blame=Blame.PROVIDER if state is FAILED else None)
        for i, candidate, state in history
    ]
    decision = advance(plan(root), attempts, T0)
    active = {attempt.leaf for attempt in attempts if attempt.state is ACTIVE}
    assert not active & {start.leaf.key for start in decision.start}
    assert not (decision.final and (active or decision.start))


@pytest.mark.parametrize("method", Method)
def test_deep_nesting(method: Method) -> None:
    root = Node(method=method, entries=(leaf("x", "a", "b"),))
    for _ in range(100):
        root = Node(method=method, entries=(root,))
    assert starts(advance(plan(root), [], T0)) == [("x", 0)]
    assert fallback_exists(plan(root), [tried("x", ACTIVE)], "x", 0)
