"""What hands messages over without an API call of its own: a transaction, an outbox and its relay."""

from notify.producers.transaction import enqueue
from notify.store.outbox import outbox_table

__all__ = ["enqueue", "outbox_table"]
