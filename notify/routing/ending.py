"""How a message ends: its attempts, none of them under way, in; the final status and why out."""

from collections.abc import Mapping, Sequence

from notify.model.call import Blame
from notify.model.plan import Attempted, DeliveryState, Final, Leaf
from notify.model.status import Reason, Status

_MAX_REASON = 300
_MAX_ERROR = 2000
_FAILURES = frozenset({DeliveryState.FAILED, DeliveryState.RETURNED})


def ending(leaves: Mapping[str, Leaf], attempts: Sequence[Attempted], *, timed_out: bool) -> Final:
    """``timed_out``: the message's deadline kept something from starting."""
    states = {attempt.state for attempt in attempts}
    if DeliveryState.SENT in states:
        return Final(status=Status.SENT)
    if DeliveryState.SIMULATED in states:
        return Final(status=Status.SIMULATED)
    if DeliveryState.CANCELED in states:
        return Final(status=Status.CANCELED)
    failures = sorted(
        (attempt for attempt in attempts if attempt.state in _FAILURES), key=_recency, reverse=True
    )
    lines = [_line(leaves[failure.leaf], failure) for failure in failures]
    if timed_out:
        return _undeliverable(Reason.FAILED, ["message timeout", *lines])
    return _undeliverable(_reason(failures), lines)


def _recency(attempt: Attempted) -> tuple[object, ...]:
    return attempt.started_at, attempt.leaf, attempt.candidate


def _reason(failures: Sequence[Attempted]) -> Reason:
    # BOUNCED is for a provider that took the message first and reported the bounce afterwards.
    if failures and failures[0].state is DeliveryState.RETURNED:
        return Reason.BOUNCED if failures[0].blame is Blame.RECIPIENT else Reason.FAILED
    by_provider = not failures or failures[0].blame in {Blame.PROVIDER, None}
    return Reason.PROVIDER_ERROR if by_provider else Reason.FAILED


def _line(leaf: Leaf, failure: Attempted) -> str:
    known = failure.candidate < len(leaf.candidates)
    provider = leaf.candidates[failure.candidate].provider if known else "?"
    return f"{leaf.channel}/{provider}: {(failure.reason or 'failed')[:_MAX_REASON]}"


def _undeliverable(reason: Reason, lines: Sequence[str]) -> Final:
    return Final(status=Status.UNDELIVERABLE, reason=reason, error="; ".join(lines)[:_MAX_ERROR] or None)
