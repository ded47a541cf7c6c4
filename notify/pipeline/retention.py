"""retention: partitions are made ahead and dropped when old; expired idempotency keys and old counters go."""

from datetime import timedelta

from notify import clock, log, settings
from notify.store import db, idempotency, partitions, send_limits

_log = log.get(__name__)
_LONGEST_PERIOD = timedelta(days=32)


def run() -> None:
    """One bounded pass."""
    config = settings.load()
    now = clock.now()
    with db.begin() as tx:
        partitions.ensure(tx, now)
        dropped = partitions.drop_before(tx, now - timedelta(days=config.retention_days))
        expired = idempotency.drop_expired(tx, config.pass_size)
        send_limits.drop_before(tx, now - _LONGEST_PERIOD, config.pass_size)
    _log.info("retention.done", partitions_dropped=dropped, idempotency_keys_dropped=expired)
