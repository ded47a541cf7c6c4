"""The outbox: a table in a producer's own database from which a relay fetches what has to be sent.

Everything here works on a table and a connection of the producer's; Notify's own database is not involved.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    Engine,
    Index,
    MetaData,
    Table,
    Text,
    Uuid,
    bindparam,
    case,
    cast,
    create_engine,
    delete,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)  # fmt: skip
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from notify.errors import InvalidRequest
from notify.model.names import Mode, World
from notify.store.db import Tx

DEFAULT_NAME = "notify_outbox"

OutboxTable = Table
"""What ``outbox_table`` makes."""
OutboxEngine = Engine
"""What ``connect`` makes."""


def outbox_table(
    metadata: MetaData | None = None, *, name: str = DEFAULT_NAME, schema: str | None = None
) -> Table:
    """The outbox as a table of ``metadata``, for ``create_all``, Alembic and ``enqueue(..., outbox=table)``.

    Producers in other languages insert ``message``, ``world`` and, if they like, ``mode`` and
    ``idempotency_key``.
    """
    waiting = text("refused_at IS NULL")
    return Table(
        name,
        MetaData() if metadata is None else metadata,
        Column("id", Uuid, primary_key=True, server_default=text("gen_random_uuid()")),
        # The `message` object of POST /send.
        Column("message", JSONB, CheckConstraint("jsonb_typeof(message) = 'object'"), nullable=False),
        Column("world", Text, CheckConstraint("world IN ('production', 'test')"), nullable=False),
        Column(
            "mode",
            Text,
            CheckConstraint("mode IN ('published', 'draft', 'mock')"),
            nullable=False,
            server_default=text("'published'"),
        ),
        # Rows with the same one are sent once; without, each row is.
        Column("idempotency_key", Text, CheckConstraint("length(idempotency_key) BETWEEN 1 AND 255")),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
        # A row that was refused stays, with the reason; one that was accepted goes.
        Column("refused_at", DateTime(timezone=True)),
        Column("refusal", Text),
        Index(f"{name}_waiting", "created_at", postgresql_where=waiting),
        schema=schema,
        # Rows come and go: without this, their remains would be swept up rarely.
        postgresql_with={"autovacuum_vacuum_scale_factor": 0, "autovacuum_vacuum_threshold": 1000},
    )


def ddl(table: Table) -> str:
    """The statements that make the table, for a migration by hand."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    made: list[ExecutableDDLElement] = [CreateTable(table), *map(CreateIndex, table.indexes)]
    return "\n".join(f"{str(one.compile(dialect=dialect)).strip()};" for one in made) + "\n"


def connect(url: str) -> Engine:
    """An engine with one connection, which never sits on its locks for long.

    Raises:
        InvalidRequest: the URL is not one of PostgreSQL's.
    """
    scheme, _, rest = url.partition("://")
    if scheme not in {"postgresql", "postgres", "postgresql+psycopg"}:
        raise InvalidRequest("The outbox's database must be given as a postgresql:// URL")
    arguments = {
        "application_name": "notify relay",
        "connect_timeout": 5,
        # Safe behind a pooler, too.
        "prepare_threshold": None,
        "keepalives_idle": 15,
        "keepalives_interval": 5,
        "keepalives_count": 3,
    }
    return create_engine(f"postgresql+psycopg://{rest}", pool_size=1, max_overflow=0, connect_args=arguments)


def exists(tx: Tx, table: Table) -> bool:
    """Whether the table is there."""
    return inspect(tx).has_table(table.name, schema=table.schema)


def add(tx: Tx, table: Table, row: Mapping[str, Any]) -> None:
    """Write one row."""
    tx.execute(insert(table).values(dict(row)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One row to be sent. ``message``: JSON; None if it is too large to be fetched."""

    id: UUID
    message: str | None
    world: World
    mode: Mode
    idempotency_key: str | None

    @property
    def key(self) -> str:
        """The idempotency key to send it with."""
        return self.idempotency_key or str(self.id)


# A relay that hangs (a stopped machine, a cut cable) gives up its rows to the others.
_LET_GO = text("SET LOCAL idle_in_transaction_session_timeout = '120s'")


def take(
    tx: Tx, table: Table, *, size: int, max_bytes: int, only: tuple[World, Mode] | None = None
) -> list[Waiting]:
    """Lock the oldest rows that nobody else holds, ``size`` at most, until the transaction ends."""
    tx.execute(_LET_GO)
    row = table.c
    words = cast(row.message, Text)
    fetched = case((func.octet_length(words) <= max_bytes, words), else_=None).label("message")
    query = select(row.id, fetched, row.world, row.mode, row.idempotency_key).where(row.refused_at.is_(None))
    if only:
        query = query.where(row.world == only[0], row.mode == only[1])
    query = query.order_by(row.created_at).limit(size).with_for_update(skip_locked=True)
    return [
        Waiting(**{**found._mapping, "world": World(found.world), "mode": Mode(found.mode)})
        for found in tx.execute(query)
    ]


def drop(tx: Tx, table: Table, ids: Sequence[UUID]) -> None:
    """These rows are accepted."""
    if ids:
        tx.execute(delete(table).where(table.c.id.in_(bindparam("ids", expanding=True))), {"ids": list(ids)})


def refuse(tx: Tx, table: Table, reasons: Mapping[UUID, str]) -> None:
    """Keep these rows, with the reason why they are not sent."""
    if reasons:
        statement = update(table).where(table.c.id == bindparam("row"))
        refused = statement.values(refused_at=func.now(), refusal=bindparam("why"))
        tx.execute(refused, [{"row": id_, "why": why} for id_, why in reasons.items()])


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    id: UUID
    created_at: datetime
    refused_at: datetime
    refusal: str


def refused(tx: Tx, table: Table, limit: int) -> list[Refused]:
    """What was refused, newest first."""
    row = table.c
    query = select(row.id, row.created_at, row.refused_at, row.refusal).where(row.refused_at.is_not(None))
    found = tx.execute(query.order_by(row.refused_at.desc()).limit(limit))
    return [Refused(**one._mapping) for one in found]


def retry(tx: Tx, table: Table, ids: Sequence[UUID]) -> int:
    """Have refused rows sent again, these or all of them; return how many."""
    statement = update(table).where(table.c.refused_at.is_not(None)).values(refused_at=None, refusal=None)
    return tx.execute(statement.where(table.c.id.in_(ids)) if ids else statement).rowcount


def waiting(tx: Tx, table: Table) -> tuple[int, datetime | None]:
    """How many rows wait, and since when the oldest does."""
    row = table.c
    query = select(func.count(), func.min(row.created_at)).where(row.refused_at.is_(None))
    count, oldest = tx.execute(query).one()
    return count, oldest
