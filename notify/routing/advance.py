"""What comes next: a plan and its attempts in, deliveries to start or the final status out.

Pure: asked twice about the same state it answers the same, so a duplicate task or a second reconciler does no
harm. The order of the attempts does not matter; attempts at leaves the plan does not know are ignored.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum

from notify.model.call import Blame
from notify.model.plan import Attempted, Decision, DeliveryState, Leaf, Method, Plan, Start
from notify.routing.ending import ending
from notify.routing.escalation import WAS_SENT, patience, sent_at
from notify.routing.leaves import Entry, by_leaf, leaves_of


class _Standing(IntEnum):
    """How an entry stands: it has failed; it was sent and the time to escalate has come; or it holds."""

    FAILED = 0
    LAPSED = 1
    HOLDING = 2


def advance(plan: Plan, attempts: Sequence[Attempted], now: datetime) -> Decision:
    """What follows from the attempts so far.

    Nothing new starts after the plan's deadline or once a delivery was canceled. A decision without a start
    and without a final status means: wait for what is under way.
    """
    leaves = {leaf.key: leaf for leaf in leaves_of(plan.root)}
    known = list(dict.fromkeys(attempt for attempt in attempts if attempt.leaf in leaves))
    canceled = any(attempt.state is DeliveryState.CANCELED for attempt in known)
    walk = _Walk(
        attempts=by_leaf(known),
        now=now,
        late=now >= plan.deadline,
        canceled=canceled,
        patience=patience(plan, known),
    )
    walk.entry(plan.root, closed=False, elsewhere=False)
    if walk.start:
        return Decision(start=tuple(walk.start))
    if any(attempt.state is DeliveryState.ACTIVE for attempt in known):
        return Decision()
    return Decision(final=ending(leaves, known, timed_out=walk.cut_off))


def fallback_exists(plan: Plan, attempts: Sequence[Attempted], leaf_key: str, candidate: int) -> bool:
    """Whether anything else could take over if this delivery failed by its provider's fault.

    That is the leaf's next candidate, or a later entry of a ``single`` around it. Entries of an ``all`` next
    to it are no replacement: they are sent in any case.
    """
    if any(attempt.state is DeliveryState.CANCELED for attempt in attempts):
        return False
    grouped = by_leaf(attempts)
    leaf = next((leaf for leaf in leaves_of(plan.root) if leaf.key == leaf_key), None)
    if leaf is None:
        return False
    latest = max((attempt.candidate for attempt in grouped.get(leaf_key, ())), default=candidate)
    return max(latest, candidate) + 1 < len(leaf.candidates) or bool(
        _replaceable(plan.root, leaf_key, grouped)
    )


@dataclass(slots=True, kw_only=True)
class _Walk:
    """One pass over the tree. ``start``: what may start; ``cut_off``: the deadline kept some of it back.

    ``patience``: how long after SENT the criterion may be unmet; None: there is none to meet.
    """

    attempts: Mapping[str, Sequence[Attempted]]
    now: datetime
    late: bool
    canceled: bool
    patience: timedelta | None
    start: list[Start] = field(default_factory=list)
    cut_off: bool = False

    def entry(self, entry: Entry, *, closed: bool, elsewhere: bool) -> _Standing:
        """How it stands, after starting what may start in it.

        ``closed``: something after it has begun. ``elsewhere``: something after it could still begin.
        """
        if isinstance(entry, Leaf):
            return self._leaf(entry, closed=closed, elsewhere=elsewhere)
        if entry.method is Method.SINGLE:
            return self._single(entry.entries, closed=closed, elsewhere=elsewhere)
        # A list and not a generator: each of them is asked, since each may have something to start.
        return max(
            [self.entry(child, closed=closed, elsewhere=elsewhere) for child in entry.entries],
            default=_Standing.FAILED,
        )

    def _single(self, entries: Sequence[Entry], *, closed: bool, elsewhere: bool) -> _Standing:
        standing = _Standing.FAILED
        for index, entry in enumerate(entries):
            later = entries[index + 1 :]
            # A clock that went back must not reopen what was already given up for the next entry.
            shut = closed or any(map(self._has_begun, later))
            follows = elsewhere or _may_follow(entry, later, self.attempts)
            standing = max(standing, self.entry(entry, closed=shut, elsewhere=follows))
            if standing is _Standing.HOLDING:
                break
        return standing

    def _leaf(self, leaf: Leaf, *, closed: bool, elsewhere: bool) -> _Standing:
        attempts = self.attempts.get(leaf.key, ())
        sent = [sent_at(attempt) for attempt in attempts if attempt.state in WAS_SENT]
        if sent and self.patience is not None and self.now >= min(sent) + self.patience:
            return _Standing.LAPSED
        if sent or any(attempt.state is DeliveryState.ACTIVE or _closes(attempt) for attempt in attempts):
            return _Standing.HOLDING
        candidate = self._next_candidate(leaf, attempts, elsewhere)
        if candidate is None or closed or self.canceled:
            return _Standing.FAILED
        if self.late:
            self.cut_off = True
            return _Standing.FAILED
        self.start.append(Start(leaf=leaf, candidate=candidate))
        return _Standing.HOLDING

    def _next_candidate(self, leaf: Leaf, attempts: Sequence[Attempted], elsewhere: bool) -> int | None:
        if not attempts:
            return 0
        if any(attempt.blame in {Blame.RECIPIENT, Blame.CONTENT} for attempt in attempts):
            return None
        # The timeout leads to the next channel; where there is none, a provider not yet tried is better.
        if elsewhere and self.now >= _channel_end(leaf, attempts):
            return None
        following = max(attempt.candidate for attempt in attempts) + 1
        return following if following < len(leaf.candidates) else None

    def _has_begun(self, entry: Entry) -> bool:
        return any(leaf.key in self.attempts for leaf in leaves_of(entry))


def _closes(attempt: Attempted) -> bool:
    """Nothing follows what was simulated, or what may have been sent and must not be sent twice."""
    return attempt.state is DeliveryState.SIMULATED or attempt.blame is Blame.UNKNOWN


def _channel_end(leaf: Leaf, attempts: Iterable[Attempted]) -> datetime:
    return min(attempt.started_at for attempt in attempts) + timedelta(milliseconds=leaf.timeout_ms)


def _replaceable(entry: Entry, key: str, attempts: Mapping[str, Sequence[Attempted]]) -> bool | None:
    """Whether a ``single`` around the leaf ``key`` has more to offer; None when the leaf is not in here."""
    if isinstance(entry, Leaf):
        return False if entry.key == key else None
    for index, child in enumerate(entry.entries):
        within = _replaceable(child, key, attempts)
        if within is not None:
            later = entry.entries[index + 1 :] if entry.method is Method.SINGLE else ()
            return within or _may_follow(child, later, attempts)
    return None


def _may_follow(child: Entry, later: Sequence[Entry], attempts: Mapping[str, Sequence[Attempted]]) -> bool:
    """There are later entries, and they wait for this one: it has not succeeded and none has begun."""
    if not later:
        return False
    sent = any(
        attempt.state in WAS_SENT or _closes(attempt)
        for leaf in leaves_of(child)
        for attempt in attempts.get(leaf.key, ())
    )
    return not sent and not any(leaf.key in attempts for entry in later for leaf in leaves_of(entry))
