"""The circuit breaker, in a real Valkey."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from notify.transport import Breaker, BreakerPolicy, Shared
from notify.transport.breaker import State
from tests.stack import Servers

NOW = datetime(2030, 1, 1, tzinfo=UTC)
POLICY = BreakerPolicy(threshold=5, window_s=60, open_s=15)


class Circuit:
    """One provider's circuit. ``at``: seconds since the beginning."""

    def __init__(self, shared: Shared, policy: BreakerPolicy = POLICY) -> None:
        self.breaker, self.provider = Breaker(shared, policy), uuid4()

    def ask(self, at: float) -> tuple[State, float]:
        """The state, and when the next probe is."""
        standing = self.breaker.ask(self.provider, _time(at))
        return standing.state, (standing.probe_at - NOW).total_seconds()

    def fail(self, at: float, count: int, others: int = 0, *, probed: bool = False) -> State:
        return self.breaker.report(self.provider, _time(at), failures=count, others=others, probed=probed)

    def answer(self, at: float, count: int = 1, *, probed: bool = False) -> State:
        return self.fail(at, 0, count, probed=probed)


def _time(at: float) -> datetime:
    return NOW + timedelta(seconds=at)


@pytest.fixture
def circuit(servers: Servers) -> Iterator[Circuit]:
    shared = Shared(servers.broker_url)
    yield Circuit(shared)
    shared.close()


def test_failures_open_it_for_everybody(circuit: Circuit) -> None:
    assert circuit.fail(0, 4) is State.CLOSED
    assert circuit.ask(1) == (State.CLOSED, 1)
    assert circuit.fail(1, 1) is State.OPENED
    assert circuit.ask(2) == (State.OPEN, 16)


def test_a_batch_of_failures_opens_it_at_once(circuit: Circuit) -> None:
    assert circuit.fail(0, 100) is State.OPENED
    assert circuit.fail(0, 100) is State.OPEN


def test_failures_count_within_the_window(circuit: Circuit) -> None:
    circuit.fail(0, 4)
    assert circuit.fail(61, 4) is State.CLOSED
    assert circuit.fail(120, 1) is State.OPENED


def test_a_provider_that_mostly_answers_stays_closed(circuit: Circuit) -> None:
    circuit.fail(0, 1)
    circuit.answer(1, 100)
    assert circuit.fail(2, 90) is State.CLOSED
    assert circuit.fail(3, 10) is State.OPENED


def test_it_tells_whether_there_were_failures_of_late(circuit: Circuit) -> None:
    assert circuit.breaker.ask(circuit.provider, _time(0)).clean
    circuit.fail(0, 1)
    assert not circuit.breaker.ask(circuit.provider, _time(0)).clean


def test_one_probe_at_a_time(circuit: Circuit) -> None:
    circuit.fail(0, 5)
    assert circuit.ask(14.9) == (State.OPEN, 15)
    assert circuit.ask(15) == (State.PROBE, 30)
    assert circuit.ask(15) == (State.OPEN, 30)


def test_a_probe_that_is_answered_closes_it(circuit: Circuit) -> None:
    circuit.fail(0, 5)
    circuit.ask(15)
    assert circuit.answer(16, probed=True) is State.CLOSED_AGAIN
    assert circuit.ask(16) == (State.CLOSED, 16)
    assert circuit.fail(17, 4) is State.CLOSED


def test_a_probe_that_fails_keeps_it_open(circuit: Circuit) -> None:
    circuit.fail(0, 5)
    circuit.ask(15)
    assert circuit.fail(20, 1, probed=True) is State.OPEN
    assert circuit.ask(34) == (State.OPEN, 35)
    assert circuit.ask(35)[0] is State.PROBE


def test_a_probe_that_is_lost_is_followed_by_another(circuit: Circuit) -> None:
    circuit.fail(0, 5)
    circuit.ask(15)
    assert circuit.ask(30)[0] is State.PROBE


def test_what_was_under_way_when_it_opened_does_not_close_it(circuit: Circuit) -> None:
    circuit.fail(0, 5)
    assert circuit.answer(1, 50) is State.OPEN


def test_without_a_threshold_it_never_opens(servers: Servers) -> None:
    circuit = Circuit(Shared(servers.broker_url), BreakerPolicy(threshold=0, window_s=60, open_s=15))
    assert circuit.fail(0, 1000) is State.CLOSED
    assert circuit.ask(0)[0] is State.CLOSED


def test_while_redis_is_away_it_counts_as_closed() -> None:
    circuit = Circuit(Shared("redis://127.0.0.1:1/0"))
    assert circuit.fail(0, 1000) is State.CLOSED
    assert circuit.ask(0)[0] is State.CLOSED
