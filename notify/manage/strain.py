"""What the pipeline is under, as the database has it: read every second by whoever admits new sends."""

from notify.model.names import Lane
from notify.model.work import Stage
from notify.store import db, queues
from notify.store.queues import Strain

# Not deliver: that one waits is a provider's doing, and no reason to refuse what goes through another.
_OURS = (Stage.EXPAND, Stage.RENDER, Stage.ROUTE)


def read() -> Strain:
    """One look, in one statement.

    Raises:
        Unavailable: the database is away, or takes longer than three seconds.
    """
    with db.begin() as tx:
        queues.limit_time(tx)
        return queues.strain(tx, _OURS, Lane.SINGLE)
