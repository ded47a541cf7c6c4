"""dispatch: work due beyond the horizon of countdowns is published when it comes within it."""

from datetime import timedelta

from notify import clock, settings
from notify.model.work import Done
from notify.store import db, work


def run() -> Done:
    """One bounded pass; any number may run at once."""
    config = settings.load()
    # A pass must come before anything unparked by the last one is due, hence the extra interval.
    horizon = clock.now() + timedelta(seconds=config.horizon_s + config.dispatch_every_s)
    with db.begin(durable=False) as tx:
        wakes = work.coming(tx, horizon=horizon, size=config.pass_size)
    return Done(claimed=len(wakes), handoff=tuple(wakes))
