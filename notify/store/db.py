"""The engine and its transactions."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from notify import clock, faults, log, settings
from notify.errors import Unavailable
from notify.store import commits

if TYPE_CHECKING:
    from alembic.config import Config

Tx = Connection
"""A connection inside a transaction."""

_MIGRATIONS = "notify:store/migrations"
_VERSIONS = Path(__file__).parent / "migrations" / "versions"
_MIGRATION_TRIES = 20
_log = log.get(__name__)


def _to_json(value: Any) -> str:
    return orjson.dumps(value).decode()


@lru_cache(maxsize=1)
def engine() -> Engine:
    """The process's engine; made at first use, so a forked worker makes its own."""
    config = settings.load()
    made = create_engine(
        config.database_url,
        pool_size=config.database_pool_size,
        max_overflow=0,
        pool_timeout=config.database_timeout_s,
        pool_pre_ping=False,
        # An error's text goes to the log, where no address or content may be.
        hide_parameters=True,
        json_serializer=_to_json,
        json_deserializer=orjson.loads,
        connect_args={
            "connect_timeout": max(2, int(config.database_timeout_s)),
            "application_name": "notify",
            **_of_a_session(),
            # A server that is gone without a word shows itself within seconds, not hours.
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,
        },
    )
    _watch(made)
    if _relaxed and not config.database_pooler:
        commits.relax(made)
    return made


_relaxed = False


def relax() -> None:
    """Of this process's transactions most are not ``durable``; call it before the first one."""
    global _relaxed
    _relaxed = True


_statement_timeout_s: float | None = None


def limit_statements(seconds: float) -> None:
    """Have the statements of this process end sooner than the settings say; call it before the first one."""
    global _statement_timeout_s
    _statement_timeout_s = seconds


def _of_a_session() -> dict[str, Any]:
    """What lasts as long as a session. A pooler that lends sessions by the transaction has none of it."""
    if settings.load().database_pooler:
        return {"prepare_threshold": None}
    # The hot statements are few and always the same: plan each once per connection.
    return {"prepare_threshold": 2, "options": _options()}


def _options() -> str:
    statement_s = _statement_timeout_s or settings.load().statement_timeout_s
    # A process that freezes inside a transaction must not keep its locks. A statement planned while the work
    # table was empty goes on being run by that plan: for a table without pages a scan is as cheap as an index
    # only if random pages cost more than others, as they did on spinning disks.
    idle_s = settings.load().idle_transaction_timeout_s
    return (
        f"-c jit=off -c random_page_cost=1.1 -c statement_timeout={round(statement_s * 1000)}"
        f" -c idle_in_transaction_session_timeout={round(idle_s * 1000)}"
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
    with transaction(engine()) as tx:
        if clock.wants_agreement():
            clock.agree(tx.execute(_TIME).scalar_one())
        commits.settle(tx, durable=durable)
        yield tx


@contextmanager
def transaction(engine: Engine) -> Iterator[Tx]:
    """``begin`` on any engine.

    Raises:
        Unavailable: PostgreSQL cannot be reached or dropped the connection.
    """
    try:
        with engine.begin() as tx:
            yield tx
            faults.commit("before")
        faults.commit("after")
    except (OperationalError, InterfaceError, PoolTimeout, faults.Failed) as error:
        if not _is_rolled_back(error):
            _trouble()
        raise Unavailable("The database cannot be reached.") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise Unavailable("The database connection was lost.") from error
        raise


def _is_rolled_back(error: Exception) -> bool:
    """Whether PostgreSQL is well, and only this transaction was not: a deadlock, a serialization failure."""
    return isinstance(error, faults.Failed) or (
        isinstance(error, DBAPIError) and (getattr(error.orig, "sqlstate", None) or "").startswith("40")
    )


HANGING_S = 1.0
"""A server that lets a statement wait for longer may have been out of reach."""
_troubled_at = float("-inf")


def _watch(engine: Engine) -> None:
    event.listen(engine, "before_cursor_execute", _begun)
    event.listen(engine, "after_cursor_execute", _ended)


def _begun(_connection: Any, _cursor: Any, _statement: Any, _values: Any, context: Any, _many: bool) -> None:
    context.notify_since = time.monotonic()


def _ended(_connection: Any, _cursor: Any, _statement: Any, _values: Any, context: Any, _many: bool) -> None:
    if time.monotonic() > context.notify_since + HANGING_S:
        _trouble()


def _trouble() -> None:
    global _troubled_at
    _troubled_at = time.monotonic()


def calm_s() -> float:
    """How long the database has been within reach of this process, as far as it has noticed."""
    return time.monotonic() - _troubled_at


_TIME = text("SELECT clock_timestamp()")


def migrate(url: str | None = None) -> None:
    """Bring the database at ``url`` (default: the settings') to the newest schema.

    A statement that would hold up everybody else while it waits for a lock gives up, and is tried again.

    Raises:
        OperationalError: there was no getting hold of a lock.
    """
    # As large as all else that comes with a database: not for the processes that never migrate.
    from alembic import command

    config = _alembic(url or settings.load().migration_url)
    for left in reversed(range(_MIGRATION_TRIES)):
        try:
            command.upgrade(config, "head")
            return
        except OperationalError as error:
            if not left or not isinstance(error.orig, LockNotAvailable):
                raise
            _log.warning("migrate.waits", tries_left=left)


def _alembic(url: str) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", _MIGRATIONS)
    config.attributes["url"] = url.replace("postgresql://", "postgresql+psycopg://", 1)
    return config


@lru_cache(maxsize=1)
def head() -> str:
    """The revision of the schema this code was written for; files are named after theirs."""
    return max(path.name.partition("_")[0] for path in _VERSIONS.glob("[0-9]*_*.py"))


def is_current(tx: Tx) -> bool:
    """Whether the schema is the one this code was written for, or newer: a deploy migrates first.

    Revisions are numbers of one length, so they compare as text.
    """
    return tx.execute(_HAS_REVISION).scalar_one() and (tx.execute(_REVISION).scalar() or "") >= head()


_HAS_REVISION = text("SELECT to_regclass('alembic_version') IS NOT NULL")
_REVISION = text("SELECT version_num FROM alembic_version")
