"""The e-mail that tells the administrator that a send limit holds messages back: one a day and world.

It is a message like any other, stored in the transaction that throttles: it goes out if that holds, and only
then.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from notify import ids, settings
from notify.model import wire
from notify.model.names import Lane, World
from notify.model.plan import Final
from notify.model.send_limit import NOTICE_TOPIC
from notify.model.work import Handoff, Place, Stage, Wake, Work
from notify.pipeline import announcing
from notify.pipeline.creation import new_message
from notify.store import db, requests, send_limits, work

EVERY = timedelta(hours=24)
_SHOWN = 5


def notice(tx: db.Tx, world: World, over: Mapping[UUID, Final], now: datetime) -> Handoff:
    """Tell of the messages that end here, unless that was done within a day or nobody is to be told."""
    address = settings.load().admin_email
    if address is None or not send_limits.tell(tx, world, now=now, since=now - EVERY):
        return ()
    return _send(tx, world, _mail(address, world, over), now)


def _mail(address: str, world: World, over: Mapping[UUID, Final]) -> dict[str, Any]:
    title = {"type": "meta", "title": f"Notify: a send limit was reached ({world})"}
    lines = [{"type": "text", "content": line} for line in _lines(world, over)]
    return {
        "to": {"email": address},
        "content": {"version": "2022-01-01", "elements": [title, *lines]},
        "routing": {"method": "single", "channels": ["email"]},
        "metadata": {"event": NOTICE_TOPIC},
        "preferences": {"subscription_topic_id": NOTICE_TOPIC},
    }


def _lines(world: World, over: Mapping[UUID, Final]) -> Iterator[str]:
    yield "Messages end as THROTTLED and are not sent, since a limit is reached. The first of them:"
    for reached, count in Counter(end.error or "" for end in over.values()).most_common(_SHOWN):
        example = next(id_ for id_, end in over.items() if (end.error or "") == reached)
        yield f"{reached} Messages: {count}, such as {ids.to_wire(example)}"
    yield f"See them all: GET /messages?status=THROTTLED. The limits: notify limits list --world {world}."
    yield "This is not told again within 24 hours."


def _send(tx: db.Tx, world: World, body: dict[str, Any], now: datetime) -> Handoff:
    id_ = ids.new()
    message = wire.SendMessage.model_validate(body)
    place = Place(stage=Stage.RENDER, lane=Lane.SINGLE)
    requests.insert(tx, [requests.NewRequest(id=id_, world=world, body=orjson.dumps(body), created_at=now)])
    new = new_message(
        id_=id_,
        request_id=id_,
        world=world,
        lane=Lane.SINGLE,
        message=message,
        recipient=wire.recipients(message)[0],
        entry=None,
        now=now,
    )
    told = announcing.insert(tx, [new])
    work.add(tx, [Work(id=id_, message_id=id_, world=world, place=place, due_at=now)], horizon=now)
    return (*told, Wake(place=place, ids=(id_,)))
