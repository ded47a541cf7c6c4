"""The ledger: what was accepted, against what the database says and what the providers have written down."""

from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

import psycopg

from benchmarks.faults.driver import Fates
from benchmarks.faults.journal import Journal
from benchmarks.faults.marks import Kind, key_of, send_of
from benchmarks.faults.provider import Acceptance, Records
from notify.ids import to_wire
from notify.model.status import FINAL

_SENT = frozenset({"SENT", "DELIVERED", "OPENED", "CLICKED"})
_LEFT = "SELECT stage, channel, count(*), max(attempt) FROM work GROUP BY 1, 2"
_SHOWN = 20
_UNDER_WAY_S = 1.0
"""How long a request may be under way when its caller is dead."""
_RECORDING_S = 2.0
"""How long before a kill an acceptance may have come for the kill to be why it was not recorded."""


@dataclass(slots=True)
class Ledger:
    """What was accepted, and what of it went wrong; ``broken``: what should not have."""

    sends: int = 0
    messages: int = 0
    unanswered: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    stuck: int = 0
    untrue: int = 0
    stored_twice: int = 0
    duplicated: int = 0
    explained: Counter[str] = field(default_factory=Counter)
    unexplained: int = 0
    once_duplicated: int = 0
    held: int = 0
    same_key: int = 0
    oddities: list[str] = field(default_factory=list)

    @property
    def broken(self) -> dict[str, int]:
        """What should be 0 and is not."""
        names = ("lost", "stuck", "untrue", "stored_twice", "unexplained", "once_duplicated")
        return {name: getattr(self, name) for name in names if getattr(self, name)}

    def describe(self) -> dict[str, Any]:
        # asdict makes a Counter of a Counter's pairs.
        counters = {"statuses": dict(self.statuses), "explained": dict(self.explained)}
        return {**asdict(self), **counters}

    def note(self, text: str) -> None:
        if len(self.oddities) < _SHOWN:
            self.oddities.append(text)


def settle(connection: "psycopg.Connection[Any]", fates: Fates, records: Records, journal: Journal) -> Ledger:
    """Compare them all."""
    ledger = Ledger(sends=len(fates.sent), messages=fates.messages, unanswered=len(fates.unanswered))
    found = _messages(connection, fates, records, ledger)
    for number, sent in fates.sent.items():
        missing = sent.count - found[number]
        if missing > 0:
            ledger.lost += missing
            ledger.note(f"lost: {missing} of {sent.count} of send {number} ({sent.request_id})")
        elif missing < 0:
            ledger.stored_twice -= missing
            ledger.note(f"stored twice: send {number} ({sent.request_id})")
    for stage, channel, count, attempt in connection.execute(_LEFT).fetchall():
        ledger.stuck += count
        ledger.note(f"work left: {count} at {stage} {channel}, attempt {attempt}")
    _duplicates(fates, records, journal, ledger)
    return ledger


def _messages(
    connection: "psycopg.Connection[Any]", fates: Fates, records: Records, ledger: Ledger
) -> Counter[int]:
    found: Counter[int] = Counter()
    seen: set[int] = set()
    with connection.transaction(), connection.cursor("ledger") as rows:
        rows.itersize = 5000
        rows.execute("SELECT id, recipient, status, error FROM message WHERE world = 'production'")
        for id_, recipient, status, error in rows:
            key = key_of(recipient)
            if key is None or (send_of(key) not in fates.sent and send_of(key) not in fates.unanswered):
                continue
            found[send_of(key)] += 1
            ledger.statuses[status] += 1
            if key in seen:
                ledger.stored_twice += 1
                ledger.note(f"stored twice: {recipient} {to_wire(id_)}")
            seen.add(key)
            _check(ledger, to_wire(id_), key, status, error or "", records.accepted.get(key, ()))
    return found


def _check(ledger: Ledger, id_: str, key: int, status: str, error: str, accepted: Any) -> None:
    if status not in FINAL:
        ledger.note(f"no final status: {id_} is {status}")
        ledger.stuck += 1
    elif status in _SENT:
        if not accepted:
            ledger.untrue += 1
            ledger.note(f"untrue: {id_} is {status}, and no provider has accepted it")
    elif "may have been sent" in error:
        ledger.held += 1
    elif any(one.answered for one in accepted):
        ledger.untrue += 1
        ledger.note(f"untrue: {id_} is {status} ({error}), and {accepted[0].site} has accepted it")


NO_ROOM = "postgres has no room"
"""A span in which claims may still be written where outcomes are not."""


def _duplicates(fates: Fates, records: Records, journal: Journal, ledger: Ledger) -> None:
    kills = [kill.at for kill in journal.kills]
    for key, accepted in records.duplicates().items():
        sent = fates.sent.get(send_of(key))
        if sent is None and send_of(key) not in fates.unanswered:
            continue  # of an earlier ledger
        ledger.duplicated += len(accepted) - 1
        if sent is not None and sent.kind is Kind.ONCE:
            ledger.once_duplicated += len(accepted) - 1
            ledger.note(f"twice although at most once: {key} {accepted}")
        for first, again in pairwise(accepted):
            ledger.same_key += bool(first.key) and first.key == again.key
            why = _why(first, kills, journal)
            if why:
                ledger.explained[why] += 1
            else:
                ledger.unexplained += 1
                ledger.note(f"twice, unexplained: {key} {sent.request_id if sent else ''} {first} {again}")
                ledger.note(f"  near it: {journal.near(first.at)}")


def _why(first: Acceptance, kills: list[float], journal: Journal) -> str | None:
    if not first.answered:
        return "the provider's answer was lost"
    reach = first.at + _RECORDING_S
    for since, until, name in journal.spans:
        if not since - _RECORDING_S <= first.at <= until + _RECORDING_S:
            continue
        if name.startswith("worker"):
            return "frozen between acceptance and record"
        if name == NO_ROOM:
            return "no room to record it for longer than its lease"
        # While nothing can be recorded, outcomes wait; who is killed then takes them along.
        if name.startswith(("postgres", "points")):
            reach = max(reach, until + 5 * _RECORDING_S)
    at = bisect_left(kills, first.at - _UNDER_WAY_S)
    if at < len(kills) and kills[at] <= reach:
        return "killed between acceptance and record"
    return None


def by_kind(journal: Journal) -> dict[str, int]:
    """Kills by what was killed: ``worker-webhook.1`` and ``.2`` together."""
    counts: defaultdict[str, int] = defaultdict(int)
    for kill in journal.kills:
        counts["fault point" if kill.name.startswith("pid") else kill.name.partition(".")[0]] += 1
    return dict(sorted(counts.items()))
