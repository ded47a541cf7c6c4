"""expand: requests to many recipients in, one message per recipient out.

A message's id follows from the request's id and its place in it, so a pass that runs twice makes no second
message.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from notify import clock, ids, settings
from notify.model import wire
from notify.model.names import Lane
from notify.model.work import Claim, Done, Place, Stage, Wake, Work
from notify.pipeline.claims import kept, take
from notify.pipeline.creation import new_message
from notify.store import db, messages, requests, work
from notify.store.messages import NewMessage

_REQUESTS = 5
"""Requests per pass: each may become hundreds of messages."""


def run(told: Sequence[UUID], lane: Lane) -> Done:
    """Expand the requests that are ready."""
    place = Place(stage=Stage.EXPAND, lane=lane)
    with db.begin(durable=False) as tx:
        claims, more = take(tx, place, told, size=_REQUESTS)
        bodies = requests.bodies(tx, [claim.id for claim in claims])
        # Gone with retention: nothing is left to do.
        work.finish(tx, [claim.id for claim in claims if claim.id not in bodies])
    with kept(claims):
        wakes = tuple(wake for c in claims if c.id in bodies for wake in _expand(c, bodies[c.id]))
    return Done(claimed=len(claims), handoff=more + wakes)


def _expand(claim: Claim, body: dict[str, Any]) -> Sequence[Wake]:
    config = settings.load()
    now = clock.now()
    message = wire.SendMessage.model_validate(body)
    recipients = wire.recipients(message)
    lane = Lane.BULK if len(recipients) > config.bulk_above else Lane.SINGLE
    with db.begin() as tx:
        request = requests.hold(tx, claim.id)
        if claim.id not in work.fence(tx, [claim]):
            return ()
        rows = _rows(claim, message, recipients, lane, request)
        messages.insert(tx, rows)
        place = Place(stage=Stage.RENDER, lane=lane)
        todo = [Work(id=r.id, message_id=r.id, world=r.world, place=place, due_at=now) for r in rows]
        work.add(tx, todo, horizon=now + timedelta(seconds=config.horizon_s))
        work.finish(tx, [claim.id])
    return [Wake(place=place, ids=tuple(row.id for row in rows))]


def _rows(
    claim: Claim,
    message: wire.SendMessage,
    recipients: Sequence[wire.Recipient],
    lane: Lane,
    request: requests.Times,
) -> list[NewMessage]:
    return [
        new_message(
            id_=ids.child(claim.id, f"to.{index}"),
            request_id=claim.id,
            world=claim.world,
            lane=lane,
            message=message,
            recipient=recipient,
            entry=dict(recipient.entry),
            now=request.created_at,
            archived_at=request.archived_at,
        )
        for index, recipient in enumerate(recipients)
    ]
