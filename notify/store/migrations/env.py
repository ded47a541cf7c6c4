"""Alembic's entry: one online migration run on the URL handed over by ``notify.store.db``."""

from alembic import context
from sqlalchemy import NullPool, create_engine, text

from notify.store.tables import METADATA

_LOCK = 7_024_117
"""Two processes that migrate at once: the second waits and finds nothing to do."""

_LOCK_TIMEOUT = "2s"
"""Whoever waits for a table's lock has everybody else wait behind him: not for long, then."""


def run() -> None:
    # Without a pool the session ends with the block, and the lock with it, however it ends.
    engine = create_engine(context.config.attributes["url"], poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
        connection.execute(text(f"SET lock_timeout TO '{_LOCK_TIMEOUT}'"))
        connection.commit()
        context.configure(connection=connection, target_metadata=METADATA, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()


run()
