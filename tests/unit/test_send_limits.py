"""Send limits: when a period begins, what counts where, and who comes too late."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.model.send_limit import Guardrails, Period, Scope, SendLimit
from notify.model.status import Status
from notify.routing.send_limits import Sender, begin, counters, decide


def _limit(scope: Scope, maximum: int, period: Period = Period.DAY) -> SendLimit:
    return SendLimit(scope=scope, period=period, maximum=maximum)


@pytest.mark.parametrize(
    ("period", "now", "began"),
    [
        (Period.HOUR, "2030-05-15T13:59:59.999999", "2030-05-15T13:00"),
        (Period.DAY, "2030-05-15T00:00:00", "2030-05-15T00:00"),
        (Period.DAY, "2030-05-15T23:59:59", "2030-05-15T00:00"),
        # From Sunday: the 12th and the 19th of May 2030.
        (Period.WEEK, "2030-05-12T00:00:00", "2030-05-12T00:00"),
        (Period.WEEK, "2030-05-15T13:00:00", "2030-05-12T00:00"),
        (Period.WEEK, "2030-05-18T23:59:59", "2030-05-12T00:00"),
        (Period.WEEK, "2030-05-19T00:00:00", "2030-05-19T00:00"),
        (Period.WEEK, "2030-01-02T00:00:00", "2029-12-30T00:00"),
        (Period.MONTH, "2030-03-31T23:59:59", "2030-03-01T00:00"),
        (Period.MONTH, "2030-04-01T00:00:00", "2030-04-01T00:00"),
    ],
)
def test_when_a_period_began(period: Period, now: str, began: str) -> None:
    at, expected = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (now, began))
    assert begin(period, at) == expected


@pytest.mark.parametrize(
    ("day", "now", "began"),
    [
        (1, "2030-05-15T13:00", "2030-05-01T00:00"),
        (15, "2030-05-15T00:00", "2030-05-15T00:00"),
        (15, "2030-05-14T23:59:59", "2030-04-15T00:00"),
        (20, "2030-01-05T00:00", "2029-12-20T00:00"),
        # The 31st is the last day of a month that is shorter.
        (31, "2030-03-30T12:00", "2030-02-28T00:00"),
        (31, "2030-02-28T00:00", "2030-02-28T00:00"),
        (30, "2028-02-29T01:00", "2028-02-29T00:00"),
    ],
)
def test_when_a_billing_period_began(day: int, now: str, began: str) -> None:
    """delivery.md, Send limits: the billing period, which begins on the day of the settings."""
    at, expected = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (now, began))
    assert begin(Period.BILLING, at, day) == expected


@given(st.datetimes(datetime.fromisoformat("2000-02-01")), st.integers(1, 31))
def test_a_billing_period_holds_its_moments(naive: datetime, day: int) -> None:
    now = naive.replace(tzinfo=UTC)
    began = begin(Period.BILLING, now, day)
    assert began <= now
    assert now - began < timedelta(days=32)
    assert begin(Period.BILLING, began, day) == began


def test_a_topics_own_limit_beats_the_one_for_every_topic() -> None:
    every = _limit(Scope.USER_TOPIC, 5)
    weekly = _limit(Scope.USER_TOPIC, 7, Period.WEEK)
    own = SendLimit(scope=Scope.USER_TOPIC, period=Period.DAY, maximum=1, topic_id="news")
    rails = Guardrails(limits=(every, weekly, own))

    def applied(topic: str | None) -> list[SendLimit]:
        return [limit for limit, _ in counters(rails, Sender(id=1, user_id="ada", topic=topic))]

    assert applied("news") == [weekly, own]
    assert applied("offers") == [every, weekly]
    assert applied(None) == []


def test_a_limit_applies_where_there_is_something_to_count_by() -> None:
    rails = Guardrails(limits=tuple(_limit(scope, 1) for scope in Scope))
    for sender, scopes in {
        Sender(id=1): {"global": ()},
        Sender(id=2, user_id="ada"): {"global": (), "user": ("ada",)},
        Sender(id=3, topic="news"): {"global": ()},
        Sender(id=4, user_id="ada", topic="news"): {
            "global": (), "user": ("ada",), "user_topic": ("ada", "news"),
        },
        Sender(id=5, tenant_id="acme"): {"global": (), "tenant": ("acme",)},
    }.items():  # fmt: skip
        assert {str(limit.scope): named for limit, named in counters(rails, sender)} == scopes


def _over(rails: Guardrails, senders: list[Sender[int]], counted: Counter[object] | None = None) -> set[int]:
    over, _ = decide(rails, senders, counted or Counter())  # type: ignore[arg-type]
    assert {end.status for end in over.values()} <= {Status.THROTTLED}
    return set(over)


def test_the_first_come_first() -> None:
    rails = Guardrails(limits=(_limit(Scope.USER, 2),))
    assert _over(rails, [Sender(id=n, user_id="ada") for n in range(4)]) == {2, 3}


def test_what_is_over_one_limit_counts_in_no_other() -> None:
    rails = Guardrails(limits=(_limit(Scope.GLOBAL, 3), _limit(Scope.USER, 1)))
    flood = [Sender(id=n, user_id="ada") for n in range(5)]
    others = [Sender(id=10 + n, user_id=f"user-{n}") for n in range(3)]
    assert _over(rails, [*flood, *others]) == {1, 2, 3, 4, 12}


def test_an_exempt_topic_is_counted_and_never_held_back() -> None:
    rails = Guardrails(limits=(_limit(Scope.USER, 1),), exempt=frozenset({"security"}))
    senders = [
        Sender(id=n, user_id="ada", topic=topic) for n, topic in enumerate(["security"] * 3 + ["news"])
    ]
    assert _over(rails, senders) == {3}


def test_a_limit_of_nothing_lets_nothing_through() -> None:
    rails = Guardrails(limits=(_limit(Scope.GLOBAL, 0),))
    over, grown = decide(rails, [Sender(id=1)], Counter())
    assert over[1].error == "Send limit reached: 0 in one day."
    assert not grown


_SENDERS = st.builds(
    Sender,
    id=st.uuids(),
    user_id=st.sampled_from([None, "ada", "eve"]),
    tenant_id=st.sampled_from([None, "acme"]),
    topic=st.sampled_from([None, "news"]),
)


@given(
    st.lists(_SENDERS, max_size=30, unique_by=lambda sender: sender.id),
    st.lists(
        st.builds(
            SendLimit, scope=st.sampled_from(Scope), period=st.sampled_from(Period), maximum=st.integers(0, 5)
        ),
        max_size=4,
        unique_by=lambda limit: (limit.scope, limit.period),
    ),
    st.integers(0, 30),
)
def test_no_limit_is_passed_and_none_is_kept_back_for_nothing(
    senders: list[Sender[object]], limits: list[SendLimit], cut: int
) -> None:
    rails = Guardrails(limits=tuple(limits))
    first, grown = decide(rails, senders[:cut], Counter())
    second, more = decide(rails, senders[cut:], grown)
    total = grown + more
    assert all(count <= limit.maximum for (limit, _), count in total.items())
    # Two batches decide as one would, and what is held back has met a limit.
    assert ({**first, **second}, total) == decide(rails, senders, Counter())
    for sender in senders:
        if sender.id in {**first, **second}:
            assert any(total[key] == key[0].maximum for key in counters(rails, sender))
