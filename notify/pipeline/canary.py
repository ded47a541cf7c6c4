"""canary: a rehearsed message through every stage, channel and lane; and how the last ones fared.

It is an ordinary request of the test world, in the mode of mock keys, so no provider is called; archived
from the start, so no list shows it. It has come through when it is at an end, whatever end that is: what is
tested is that somebody is at work everywhere, not what is configured.
"""

from datetime import datetime
from uuid import UUID

import orjson

from notify import clock, ids, settings
from notify.model.names import Channel, Lane, Mode, World
from notify.model.work import Handoff, Place, Stage, Wake, Work
from notify.queue import queue_of
from notify.store import canaries, db, heartbeats, requests, work
from notify.store.canaries import Standing
from notify.store.requests import NewRequest

PREFIX = "canary."
_WORLD = World.TEST
_MESSAGE = {
    # An array, so that it goes through expand; with an address for every channel.
    "to": [
        {
            "user_id": "notify-canary",
            "email": "canary@example.com",
            "phone_number": "+15550100",
            "firebaseToken": "canary",
            "discord": {"channel_id": "canary"},
            "webhook": {"url": "https://canary.example.com/"},
        }
    ],
    "content": {"title": "Canary", "body": "Still alive."},
    # What need not wait does not come through route's queue.
    "delay": {"duration": 1000},
    "routing": {"method": "all", "channels": [str(channel) for channel in Channel]},
    "metadata": {"tags": ["notify-canary"]},
}


def send() -> Handoff:
    """Send one canary per lane, where none is under way; the wake-ups for them."""
    with db.begin() as tx:
        now = clock.now()
        under_way = heartbeats.find(tx, PREFIX)
        return tuple(
            _send(tx, lane, now) for lane in Lane if not _request(under_way.get(f"{PREFIX}{lane}.sent"))
        )


def _send(tx: db.Tx, lane: Lane, now: datetime) -> Wake:
    id_ = ids.new()
    body = orjson.dumps(_MESSAGE)
    requests.insert(tx, [NewRequest(id=id_, world=_WORLD, body=body, created_at=now, mode=Mode.MOCK)])
    requests.archive(tx, _WORLD, id_, now)
    place = Place(stage=Stage.EXPAND, lane=lane)
    work.add(tx, [Work(id=id_, message_id=id_, world=_WORLD, place=place, due_at=now)], horizon=now)
    heartbeats.beat(tx, f"{PREFIX}{lane}.sent", {"request_id": str(id_)})
    return Wake(place=place, ids=(id_,))


def _request(sent: heartbeats.Heartbeat | None) -> UUID | None:
    raw = sent.detail.get("request_id") if sent else None
    return UUID(raw) if raw else None


def look() -> bool:
    """Decide on those that have come through or are late; whether none is under way any more."""
    left = False
    with db.begin() as tx:
        found = heartbeats.find(tx, PREFIX)
        for lane in Lane:
            sent = found.get(f"{PREFIX}{lane}.sent")
            if sent and (request_id := _request(sent)):
                left |= not _decide(tx, lane, sent, canaries.standing(tx, request_id), request_id)
    return not left


def _decide(tx: db.Tx, lane: Lane, sent: heartbeats.Heartbeat, standing: Standing, request_id: UUID) -> bool:
    deadline_s = settings.load().canary_deadline_s
    ended_at = standing.ended_at
    if ended_at is None and sent.age_s <= deadline_s:
        return False
    if ended_at is not None:
        told = {"latency_s": max(0.0, round((ended_at - sent.at).total_seconds(), 3))}
        heartbeats.beat(tx, f"{PREFIX}{lane}", told)
        heartbeats.beat(tx, f"{PREFIX}{lane}.ok", told)
    else:
        stuck = ", ".join(sorted({queue_of(place) for place in standing.at})) or "nowhere"
        problem = f"not through after {deadline_s:g} s; it waits at {stuck}"
        heartbeats.beat(tx, f"{PREFIX}{lane}", {"problem": problem})
        canaries.end(tx, request_id)
    heartbeats.beat(tx, f"{PREFIX}{lane}.sent")
    return True


def run() -> Handoff:
    """The periodic pass: see how the last ones fared, and send new ones."""
    look()
    return send()
