"""Alembic's entry: one online migration run on the URL handed over by ``notify.store.db``."""

from alembic import context
from sqlalchemy import create_engine, text

from notify.store.tables import METADATA

_LOCK = 7_024_117
"""Two processes that migrate at once: the second waits and finds nothing to do."""


def run() -> None:
    engine = create_engine(context.config.attributes["url"])
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
        connection.commit()
        context.configure(connection=connection, target_metadata=METADATA, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
