"""dispatch: work due beyond the horizon of countdowns is published when it comes within it.

Likewise, deliveries that wait for a rate limit are let into the line as far as it moves until the next pass,
and what was paused goes on when it is resumed.
"""

from datetime import timedelta
from math import ceil
from uuid import UUID

from notify import clock, settings
from notify.model.names import World
from notify.model.work import Done, Wait
from notify.pipeline import pausing
from notify.providers.base import RateLimit
from notify.store import cache, db, heartbeats, providers, work


def run() -> Done:
    """One bounded pass; any number may run at once."""
    config = settings.load()
    # A pass must come before anything unparked by the last one is due, hence the extra interval.
    ahead_s = config.horizon_s and config.horizon_s + config.dispatch_every_s
    with db.begin(durable=False) as tx:
        horizon = clock.now() + timedelta(seconds=ahead_s)
        wakes = work.coming(tx, horizon=horizon, size=config.pass_size)
        let_in = work.hasten(tx, Wait.TURN, _room(tx), after=horizon)
        heartbeats.beat(tx, heartbeats.DISPATCH)
    return Done(claimed=len(wakes), handoff=(*wakes, *let_in, *pausing.release()))


def _room(tx: db.Tx) -> dict[UUID, int]:
    """How many calls each rate-limited provider takes until the next pass."""
    config = settings.load()
    cache.refresh(tx)
    limits = {
        entry.id: RateLimit.model_validate(entry.settings["rate_limit"])
        for world in World
        for entry in providers.configured(tx, world)
        if entry.settings.get("rate_limit")
    }
    room = {id_: ceil(config.dispatch_every_s / limit.interval_s) for id_, limit in limits.items()}
    return {id_: min(count, config.pass_size) for id_, count in room.items()}
