"""``notify relay`` fetches messages from a producer's outbox; ``notify outbox ddl|refused|retry`` tend it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Annotated
from uuid import UUID

import typer

from notify import log, settings
from notify.cli import look
from notify.cli.failure import USAGE, explained, fail
from notify.cli.table import Limit
from notify.cli.target import DataDir, InWorld, Key, Url
from notify.errors import NotifyError
from notify.local import instance
from notify.model.names import World
from notify.producers import ways
from notify.producers.relay import Relay
from notify.store import db
from notify.store import outbox as store

DatabaseUrl = Annotated[
    str, typer.Option(envvar="NOTIFY_OUTBOX_URL", help="The producer's database, postgresql://...")
]
TableName = Annotated[str, typer.Option("--table", help="The outbox, as TABLE or SCHEMA.TABLE.")]


def relay(
    database_url: DatabaseUrl,
    table: TableName = store.DEFAULT_NAME,
    api_url: Annotated[
        str | None, typer.Option(help="Hand over through this API, not into Notify's database.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(envvar="NOTIFY_API_KEY", help="API key for --api-url; its rows are relayed.")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, max=1000, help="Rows fetched at once.")] = 100,
    poll: Annotated[float, typer.Option(min=0.05, help="Seconds between looks at an empty outbox.")] = 0.5,
    once: Annotated[bool, typer.Option("--once", help="Stop when nothing is left.")] = False,
    data_dir: DataDir = instance.DEFAULT_DIR,
) -> None:
    """Fetch messages from a producer's outbox until stopped; any number of relays may run."""
    with explained():
        if not api_url:
            instance.adopt(data_dir)
            settings.load()
        log.configure("info", "json")
        only = ways.opened_by(_required(key)) if api_url else None
        way = ways.over_http(api_url, _required(key)) if api_url else ways.direct
        engine, outbox = store.connect(database_url), _table(table)
        with db.transaction(engine) as tx:
            _must_exist(tx, outbox)
        moving = Relay(engine=engine, table=outbox, way=way, batch=batch, poll_s=poll, only=only)
        moved = moving.run(_stopped_by_signals(), once=once)
    if once:
        print(f"{moved} rows settled.")


def _required(key: str | None) -> str:
    return key or fail("notify: --api-url needs --key (or NOTIFY_API_KEY).", USAGE)


def _stopped_by_signals() -> Event:
    """Set by SIGTERM and SIGINT: the pass under way is finished."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _table(name: str) -> store.OutboxTable:
    schema, _, table = name.rpartition(".")
    return store.outbox_table(name=table, schema=schema or None)


def _must_exist(tx: db.Tx, table: store.OutboxTable) -> None:
    if not store.exists(tx, table):
        raise NotifyError(f"There is no table {table.fullname}: `notify outbox ddl` prints what makes it.")


app = typer.Typer(help="Show what the sandbox has kept; tend a producer's outbox table.")


@app.callback(invoke_without_command=True)
def outbox(
    context: typer.Context,
    limit: Limit = 10,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.TEST,
) -> None:
    """Show what the sandbox has kept instead of sending it; the commands tend a producer's outbox table."""
    if context.invoked_subcommand is None:
        look.outbox(limit=limit, url=url, key=key, data_dir=data_dir, world=world)


@app.command()
def ddl(table: TableName = store.DEFAULT_NAME) -> None:
    """Print the SQL that makes an outbox in a producer's database."""
    print(store.ddl(_table(table)), end="")


@app.command()
def refused(
    database_url: DatabaseUrl,
    table: TableName = store.DEFAULT_NAME,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
) -> None:
    """List the rows that Notify refused, and say how many wait."""
    with _opened(database_url, table) as (tx, outbox_):
        found = store.refused(tx, outbox_, limit)
        waiting, oldest = store.waiting(tx, outbox_)
    for row in found:
        print(f"{row.id}  written {row.created_at:%Y-%m-%d %H:%M}  {row.refusal}")
    if not found:
        print("Nothing was refused.")
    print(f"{waiting} rows wait, the oldest since {oldest:%Y-%m-%d %H:%M}." if oldest else "No rows wait.")


@app.command()
def retry(
    database_url: DatabaseUrl,
    rows: Annotated[list[UUID] | None, typer.Argument(help="Rows that were refused; none for all.")] = None,
    table: TableName = store.DEFAULT_NAME,
) -> None:
    """Have refused rows sent again, once what was wrong is mended."""
    with _opened(database_url, table) as (tx, outbox_):
        count = store.retry(tx, outbox_, rows or ())
    print(f"{count} rows wait again.")


@contextmanager
def _opened(database_url: str, table: str) -> Iterator[tuple[db.Tx, store.OutboxTable]]:
    with explained(), db.transaction(store.connect(database_url)) as tx:
        found = _table(table)
        _must_exist(tx, found)
        yield tx, found
