"""accept: validated sends in, stored requests and messages out. The only door for new messages.

A batch is one transaction with one synchronous commit: after it the messages are kept, whatever dies.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from opentelemetry.trace import Span

from notify import clock, ids, tracing
from notify.errors import Conflict, InvalidRequest, Unavailable
from notify.model import wire
from notify.model.names import Lane, Mode, World
from notify.model.work import Handoff, Place, Stage, Wake, Work
from notify.pipeline import announcing, branding, observing, pausing
from notify.pipeline.creation import new_message
from notify.store import bulk, db, idempotency, messages, requests, work
from notify.store.idempotency import Answer, Key

ACCEPTED = 202


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One valid send. ``body``: its ``message`` object as JSON. ``key``: with the time it expires.

    ``id_name``: what the answer calls the new id. ``cause``: the span it came from.
    """

    world: World
    message: wire.SendMessage
    body: bytes
    key: tuple[Key, datetime] | None = None
    mode: Mode = Mode.PUBLISHED
    id_name: str = "requestId"
    cause: Span = field(default_factory=tracing.here)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The answer to one submission: the first one's, when its idempotency key was used before."""

    status: int
    body: Any


Answered = Receipt | Conflict | Unavailable | InvalidRequest
"""What became of one submission."""


def run(batch: Sequence[Submission]) -> tuple[list[Answered], Handoff]:
    """Store a batch of sends.

    Returns:
        For each submission, in order, its receipt, or a ``Conflict`` when a call with its idempotency key is
        still under way, ``Unavailable`` while its world takes no new sends, or ``InvalidRequest`` when it
        names what is not there; and the wake-ups to publish.

    Raises:
        Unavailable: the database is away; nothing was stored.
    """
    with db.begin() as tx:
        paused = {world: pausing.refusal(tx, world) for world in {sent.world for sent in batch}}
        refused = [paused[sent.world] or branding.refusal(tx, sent.world, sent.message) for sent in batch]
        taken, handoff = store(tx, [sent for sent, no in zip(batch, refused, strict=True) if no is None])
    answers = iter(taken)
    return [no or next(answers) for no in refused], handoff


def store(tx: db.Tx, batch: Sequence[Submission]) -> tuple[list[Receipt | Conflict], Handoff]:
    """``run`` inside a transaction of the caller's: the messages are kept if and when it commits."""
    now, since = clock.now(), time.time_ns()
    drafts = [_Draft(ids.new(), submission) for submission in batch]
    fresh, answers = _split(tx, drafts)
    single = [draft for draft in fresh if not draft.fanout]
    todo = [draft.work(now) for draft in fresh]
    with bulk.together(tx):
        requests.insert(tx, [draft.request(now) for draft in fresh])
        told = announcing.insert(tx, [draft.only_message(now) for draft in single])
        work.add(tx, todo, horizon=now)
    wakes = tuple(Wake(place=row.place, ids=(row.id,)) for row in todo)
    observing.accepted([(one.id, one.submission.world, one.submission.cause) for one in fresh], since)
    return [answers[draft.id] for draft in drafts], wakes + told


def _split(tx: db.Tx, drafts: Sequence["_Draft"]) -> tuple[list["_Draft"], dict[UUID, Receipt | Conflict]]:
    """Which drafts are to be stored, and the answer of every one."""
    firsts: dict[Key, _Draft] = {}
    for draft in drafts:
        if draft.key:
            firsts.setdefault(draft.key, draft)
    won = idempotency.reserve(
        tx, [(key, Answer(status=ACCEPTED, body=d.answer.body), d.expires_at) for key, d in firsts.items()]
    )
    stored = idempotency.answers(tx, [key for key in firsts if key not in won])
    answers: dict[UUID, Receipt | Conflict] = {}
    for draft in drafts:
        key = draft.key
        if key is None:
            answers[draft.id] = draft.answer
        else:
            answers[draft.id] = firsts[key].answer if key in won else _replay(stored.get(key))
    fresh = [d for d in drafts if d.key is None or (d.key in won and firsts[d.key] is d)]
    return fresh, answers


def _replay(answer: Answer | None) -> Receipt | Conflict:
    if answer is None or answer.status is None:
        return Conflict("A request with this Idempotency-Key is still in progress.", retry=True)
    return Receipt(status=answer.status, body=answer.body)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A submission with the id it gets if it is stored."""

    id: UUID
    submission: Submission

    @property
    def key(self) -> Key | None:
        return self.submission.key[0] if self.submission.key else None

    @property
    def expires_at(self) -> datetime:
        assert self.submission.key
        return self.submission.key[1]

    @property
    def answer(self) -> Receipt:
        return Receipt(status=ACCEPTED, body={self.submission.id_name: ids.to_wire(self.id)})

    @property
    def fanout(self) -> bool:
        return wire.is_fanout(self.submission.message)

    def request(self, now: datetime) -> requests.NewRequest:
        sent = self.submission
        return requests.NewRequest(
            id=self.id, world=sent.world, body=sent.body, created_at=now, mode=sent.mode
        )

    def only_message(self, now: datetime) -> messages.NewMessage:
        message = self.submission.message
        recipient = wire.recipients(message)[0]
        return new_message(
            id_=self.id,
            request_id=self.id,
            world=self.submission.world,
            lane=Lane.SINGLE,
            message=message,
            recipient=recipient,
            entry=None,
            now=now,
        )

    def work(self, now: datetime) -> Work:
        place = Place(stage=Stage.EXPAND if self.fanout else Stage.RENDER, lane=Lane.SINGLE)
        sent = self.submission
        return Work(
            id=self.id,
            message_id=self.id,
            world=sent.world,
            place=place,
            due_at=now,
            tenant_id=None if self.fanout else wire.recipients(sent.message)[0].tenant_id,
        )
