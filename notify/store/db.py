"""The engine and its transactions."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import orjson
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from notify import settings
from notify.errors import Unavailable

Tx = Connection
"""A connection inside a transaction."""

_MIGRATIONS = "notify:store/migrations"


def _to_json(value: Any) -> str:
    return orjson.dumps(value).decode()


@lru_cache(maxsize=1)
def engine() -> Engine:
    """The process's engine; made at first use, so a forked worker makes its own."""
    config = settings.load()
    return create_engine(
        config.database_url,
        pool_size=config.database_pool_size,
        max_overflow=0,
        pool_timeout=config.database_timeout_s,
        pool_pre_ping=False,
        json_serializer=_to_json,
        json_deserializer=orjson.loads,
        connect_args={
            "connect_timeout": max(2, int(config.database_timeout_s)),
            "application_name": "notify",
            # The hot statements are few and always the same: plan each once per connection.
            "prepare_threshold": 2,
            "options": "-c jit=off",
        },
    )


def reset() -> None:
    """Forget the engine (after a fork, or in tests): its sockets belong to another process."""
    if engine.cache_info().currsize:
        engine().dispose(close=False)
    engine.cache_clear()


@contextmanager
def begin(*, durable: bool = True) -> Iterator[Tx]:
    """A transaction: commits at the end, rolls back on an exception.

    ``durable=False`` does not wait for the disk: for stage commits that the reconciler would redo after a
    crash; never for a new message or for a provider's acceptance.

    Raises:
        Unavailable: PostgreSQL cannot be reached or dropped the connection.
    """
    try:
        with engine().begin() as tx:
            if not durable:
                tx.execute(_ASYNC_COMMIT)
            yield tx
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        raise Unavailable("The database cannot be reached.") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise Unavailable("The database connection was lost.") from error
        raise


_ASYNC_COMMIT = text("SET LOCAL synchronous_commit TO off")


def migrate(url: str | None = None) -> None:
    """Bring the database at ``url`` (default: the settings') to the newest schema."""
    command.upgrade(_alembic(url or settings.load().database_url), "head")


def _alembic(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", _MIGRATIONS)
    config.attributes["url"] = url.replace("postgresql://", "postgresql+psycopg://", 1)
    return config


def is_current(tx: Tx) -> bool:
    """Whether the schema is the one this code was written for."""
    head = ScriptDirectory.from_config(_alembic("")).get_current_head()
    return MigrationContext.configure(tx).get_current_revision() == head
