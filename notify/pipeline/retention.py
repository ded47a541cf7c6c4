"""retention: partitions are made ahead and dropped when old, expired idempotency keys go."""

from datetime import timedelta

from notify import clock, log, settings
from notify.store import db, idempotency, partitions

_log = log.get(__name__)


def run() -> None:
    """One bounded pass."""
    config = settings.load()
    now = clock.now()
    with db.begin() as tx:
        partitions.ensure(tx, now)
        dropped = partitions.drop_before(tx, now - timedelta(days=config.retention_days))
        expired = idempotency.drop_expired(tx, config.pass_size)
    _log.info("retention.done", partitions_dropped=dropped, idempotency_keys_dropped=expired)
