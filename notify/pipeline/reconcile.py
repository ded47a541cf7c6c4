"""reconcile: ready work that nobody has taken is woken up again.

It makes good every lost wake-up: a broker that was away or came back empty, a killed worker whose lease has
ended. It changes no row, so any number may run at once and a superfluous wake-up finds nothing to claim.
"""

from notify import settings
from notify.model.work import Done
from notify.queue import places
from notify.store import db, work


def run() -> Done:
    """One bounded pass; a wake-up that finds a full batch is followed by another until nothing is ready."""
    config = settings.load()
    with db.begin(durable=False) as tx:
        wakes = work.left_behind(tx, places(), grace_s=config.reconcile_grace_s, size=config.pass_size)
    return Done(claimed=sum(len(wake.ids) for wake in wakes), handoff=tuple(wakes))
