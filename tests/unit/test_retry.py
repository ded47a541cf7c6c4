"""retry_at: the schedule, what a provider asks for, and when to give up."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.model.call import Transient
from notify.model.names import Channel
from notify.model.plan import Candidate, Leaf
from notify.routing.retry import RetryPolicy, Trial, retry_at

T0 = datetime(2030, 1, 1, tzinfo=UTC)
DEADLINE = T0 + timedelta(hours=72)
POLICY = RetryPolicy()
LEAF = Leaf(
    key="0",
    channel=Channel.EMAIL,
    candidates=(Candidate(id="1", provider="a", timeout_ms=300_000),),
    timeout_ms=1_800_000,
)


def wait_s(
    tries: int,
    *,
    retry_after_s: float | None = None,
    spent_s: float = 0,
    channel_spent_s: float | None = None,
    fallback: bool = False,
    chance: float = 0,
) -> float | None:
    now = T0 + timedelta(hours=1)
    trial = Trial(
        leaf=LEAF,
        candidate=0,
        tries=tries,
        started_at=now - timedelta(seconds=spent_s),
        channel_started_at=now - timedelta(seconds=spent_s if channel_spent_s is None else channel_spent_s),
    )
    outcome = Transient(reason="503", retry_after_s=retry_after_s)
    at = retry_at(outcome, trial, policy=POLICY, deadline=DEADLINE, fallback=fallback, now=now, chance=chance)
    return None if at is None else (at - now).total_seconds()


@pytest.mark.parametrize(
    ("tries", "expected"),
    [
        (1, 5),
        (2, 10),
        (3, 20),
        (4, 40),
        (5, 60),
        (6, 120),
        (7, 240),
        (8, 480),
        (9, 720),
        (10, 900),
        (200, 900),
    ],
)
def test_the_schedule(tries: int, expected: float) -> None:
    assert wait_s(tries) == expected


@pytest.mark.parametrize(
    ("retry_after_s", "expected"),
    [(None, 5), (0, 5), (3, 5), (30, 30), (-1, 5), (float("nan"), 5), (float("inf"), None), (1e300, None)],
)
def test_a_longer_retry_after_is_honoured(retry_after_s: float | None, expected: float | None) -> None:
    assert wait_s(1, retry_after_s=retry_after_s) == expected


def test_jitter_only_adds() -> None:
    assert wait_s(10, chance=0.5) == pytest.approx(900 * 1.05)
    assert wait_s(1, retry_after_s=100, chance=0.5) == pytest.approx(105)


@pytest.mark.parametrize(
    ("spent_s", "channel_spent_s", "fallback", "expected"),
    [
        (294, 294, True, 5),
        (295, 295, True, None),  # the next try would come when the provider's time is up
        (295, 295, False, 5),
        (10, 1794, True, 5),
        (10, 1795, True, None),  # likewise for the channel's
        (10, 1795, False, 5),
        (3000, 3000, False, 5),
    ],
)
def test_a_fallback_limits_patience(
    spent_s: float, channel_spent_s: float, fallback: bool, expected: float | None
) -> None:
    assert wait_s(1, spent_s=spent_s, channel_spent_s=channel_spent_s, fallback=fallback) == expected


@pytest.mark.parametrize("fallback", [True, False])
def test_nothing_is_tried_after_the_deadline(fallback: bool) -> None:
    trial = Trial(leaf=LEAF, candidate=0, tries=1, started_at=DEADLINE, channel_started_at=DEADLINE)
    for seconds, expected in ((6, DEADLINE - timedelta(seconds=1)), (5, None), (-60, None)):
        now = DEADLINE - timedelta(seconds=seconds)
        at = retry_at(
            Transient(reason="503"),
            trial,
            policy=POLICY,
            deadline=DEADLINE,
            fallback=fallback,
            now=now,
            chance=0,
        )
        assert at == expected


@given(
    st.integers(0, 1000),
    st.none() | st.floats(),
    st.floats(0, 1, exclude_max=True),
    st.booleans(),
    st.integers(0, 10**6),
)
def test_a_retry_is_later_and_before_every_limit(
    tries: int, retry_after_s: float | None, chance: float, fallback: bool, spent_s: int
) -> None:
    wait = wait_s(tries, retry_after_s=retry_after_s, spent_s=spent_s, fallback=fallback, chance=chance)
    if wait is not None:
        assert wait >= max(5, retry_after_s if retry_after_s and retry_after_s > 0 else 0) - 1e-3
        assert wait < (300 - spent_s if fallback else 71 * 3600)


@pytest.mark.parametrize(("waits", "jitter"), [((), 0.1), ((5, -1), 0.1), ((5,), -0.1)])
def test_a_senseless_policy_is_refused(waits: tuple[float, ...], jitter: float) -> None:
    with pytest.raises(ValueError, match="retry policy"):
        RetryPolicy(waits_s=waits, jitter=jitter)
