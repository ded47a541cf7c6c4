"""expand: requests to many recipients in, one message per recipient out, a chunk at a time.

A chunk is one transaction: messages, their work, and how far the request has come. A message's id follows
from the request's id and whom it is for, so nobody is sent to twice, whatever is done again.
"""

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from notify import clock, ids, log, settings
from notify.model import wire
from notify.model.names import Lane
from notify.model.work import Claim, Done, Handoff, Place, Stage, Wake, Work
from notify.pipeline import announcing, chunks, observing
from notify.pipeline.chunks import Chunk
from notify.pipeline.claims import kept, set_aside, take
from notify.pipeline.creation import new_message
from notify.store import db, requests, work
from notify.store.messages import NewMessage

_REQUESTS = 5
"""Requests per pass: each may become thousands of messages."""
_COUNTED = (Stage.RENDER, Stage.ROUTE, Stage.DELIVER)
_log = log.get(__name__)


def run(told: Sequence[UUID], lane: Lane) -> Done:
    """Expand the requests that are ready, each by a chunk."""
    place = Place(stage=Stage.EXPAND, lane=lane)
    with db.begin(durable=False) as tx:
        claims, more = take(tx, place, told, size=_REQUESTS)
        bodies = requests.bodies(tx, [claim.id for claim in claims])
        # Gone with retention: nothing is left to do.
        work.finish(tx, [claim.id for claim in claims if claim.id not in bodies])
    with kept(claims):
        wakes = tuple(wake for c in claims if c.id in bodies for wake in _expand(c, bodies[c.id]))
    return Done(claimed=len(claims), handoff=more + wakes)


def _expand(claim: Claim, body: dict[str, Any]) -> Handoff:
    since = time.time_ns()
    message = wire.SendMessage.model_validate(body)
    with db.begin() as tx:
        request = requests.hold(tx, claim.id)
        if claim.id not in work.fence(tx, [claim]):
            return ()
        if request.done:
            work.finish(tx, [claim.id])
            return ()
        if error := set_aside(claim):
            return _give_up(tx, claim, request, error)
        chunk = chunks.cut(tx, claim, message, request)
        lane = _lane(claim, chunk, first=not request.entry and request.after is None)
        if lane is Lane.BULK and chunk.groups and _is_full(tx):
            return _put_off(tx, claim)
        rows = [_message(claim, message, one, lane, request) for one in chunk.named]
        wakes = _store(tx, rows, lane)
        wakes += _lost(tx, claim, message, chunk, lane, request)
        wakes += _go_on(tx, claim, request, chunk, len(rows))
    observing.expanded(claim.id, [row.id for row in rows], since)
    return wakes


def _lane(claim: Claim, chunk: Chunk, *, first: bool) -> Lane:
    """The bulk lane for all that is more than a few; single sends do not wait behind it."""
    few = first and chunk.done and len(chunk.named) <= settings.load().bulk_above
    return claim.place.lane if few else Lane.BULK


def _message(
    claim: Claim, message: wire.SendMessage, one: chunks.Named, lane: Lane, request: requests.Held
) -> NewMessage:
    return new_message(
        id_=ids.child(claim.id, one.name),
        request_id=claim.id,
        world=claim.world,
        lane=lane,
        message=message,
        recipient=one.recipient,
        entry=dict(one.recipient.entry),
        now=request.created_at,
        archived_at=request.archived_at,
        list_id=one.list_id,
    )


def _store(tx: db.Tx, rows: Sequence[NewMessage], lane: Lane) -> Handoff:
    now, place = clock.now(), Place(stage=Stage.RENDER, lane=lane)
    told = announcing.insert(tx, rows)
    todo = [
        Work(id=r.id, message_id=r.id, world=r.world, place=place, due_at=now, tenant_id=r.tenant_id)
        for r in rows
    ]
    work.add(tx, todo, horizon=now + timedelta(seconds=settings.load().horizon_s))
    return (*([Wake(place=place, ids=tuple(row.id for row in rows))] if rows else []), *told)


def _lost(
    tx: db.Tx,
    claim: Claim,
    message: wire.SendMessage,
    chunk: Chunk,
    lane: Lane,
    request: requests.Held,
) -> Handoff:
    """A group that cannot be sent to, such as a deleted audience, is one message that says so."""
    ends = {ids.child(claim.id, one.named.name): one for one in chunk.lost}
    rows = [_message(claim, message, one.named, lane, request) for one in chunk.lost]
    told = announcing.insert(tx, rows)
    return told + chunks.end(tx, ends, lane)


def _go_on(tx: db.Tx, claim: Claim, request: requests.Held, chunk: Chunk, made: int) -> Handoff:
    """Write down how far it has come; with what is left the request waits behind single sends."""
    so_far = request.expanded + made
    requests.advance(tx, claim.id, entry=chunk.entry, after=chunk.after, expanded=so_far, done=chunk.done)
    if chunk.done:
        work.finish(tx, [claim.id])
        return ()
    return _again(tx, claim, wait_s=0)


def _is_full(tx: db.Tx) -> bool:
    most = settings.load().bulk_backlog
    return work.backlog(tx, _COUNTED, Lane.BULK, most=most) >= most


def _put_off(tx: db.Tx, claim: Claim) -> Handoff:
    """The queues are long: look again soon, and keep broker and tables small until then."""
    wait_s = settings.load().expand_wait_s
    _log.info("expand.waits", request_id=ids.to_wire(claim.id), wait_s=wait_s)
    return _again(tx, claim, wait_s=wait_s)


def _again(tx: db.Tx, claim: Claim, *, wait_s: float) -> Handoff:
    now, place = clock.now(), Place(stage=Stage.EXPAND, lane=Lane.BULK)
    due, horizon = now + timedelta(seconds=wait_s), now + timedelta(seconds=settings.load().horizon_s)
    work.move(tx, [(claim.id, place, due)], horizon=horizon)
    return (Wake(place=place, ids=(claim.id,), at=due if wait_s else None),) if due <= horizon else ()


def _give_up(tx: db.Tx, claim: Claim, request: requests.Held, error: str) -> Handoff:
    _log.error("expand.given_up", request_id=ids.to_wire(claim.id), error=error)
    requests.advance(
        tx,
        claim.id,
        entry=request.entry,
        after=request.after,
        expanded=request.expanded,
        done=True,
        error=error,
    )
    work.finish(tx, [claim.id])
    return ()
