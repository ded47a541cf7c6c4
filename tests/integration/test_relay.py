"""The relay: what a producer's own database holds reaches Notify once, whatever dies on the way."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from notify.cli import app
from notify.errors import Unauthenticated, Unavailable
from notify.local import process
from notify.manage import keys
from notify.model.names import Mode, World
from notify.producers import relay as relaying
from notify.producers import ways
from notify.producers.relay import Relay
from notify.store import outbox as store
from notify.store.outbox import Waiting
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline
from tests.stack import ROOT, Servers

MESSAGE = factories.message()
TABLE = store.outbox_table()


class Shop:
    """The producer: a database of its own, with an outbox made from the printed DDL."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.connection = psycopg.connect(url, autocommit=True)
        self.connection.execute(store.ddl(TABLE).encode())

    def write(self, count: int = 1, message: Any = MESSAGE, **fields: str) -> None:
        """Rows as a producer without SQLAlchemy writes them."""
        values: dict[str, Any] = {"message": Jsonb(message), "world": "test", **fields}
        names = ", ".join(values)
        marks = ", ".join(f"%({name})s" for name in values)
        with self.connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO notify_outbox ({names}) VALUES ({marks})", [values] * count)

    def rows(self) -> list[tuple[Any, ...]]:
        """What is left: whether each row was refused, and why."""
        found = "SELECT refused_at IS NOT NULL, refusal FROM notify_outbox ORDER BY refused_at NULLS LAST"
        return self.connection.execute(found).fetchall()


@pytest.fixture
def shop(servers: Servers) -> Iterator[Shop]:
    name = f"shop_{next(servers.numbers)}"
    servers.execute(f"CREATE DATABASE {name}")
    made = Shop(servers.url(name))
    yield made
    made.connection.close()
    servers.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def engine(shop: Shop) -> Iterator[Engine]:
    made = store.connect(shop.url)
    yield made
    made.dispose()


def relay(engine: Engine, way: ways.Way = ways.direct, **options: Any) -> int:
    """Relay until nothing is left."""
    return Relay(engine=engine, table=TABLE, way=way, **options).run(threading.Event(), once=True)


# --- what it does --------------------------------------------------------------------------------


def test_rows_become_messages_and_go(
    shop: Shop, engine: Engine, pipeline: Pipeline, sandbox: Api, database: Database
) -> None:
    shop.write(25)
    assert relay(engine, batch=10) == 25
    pipeline.drain()
    assert [one["status"] for one in sandbox.messages()] == ["SENT"] * 25
    assert shop.rows() == []


def test_world_and_mode_are_the_rows_own(
    shop: Shop, engine: Engine, pipeline: Pipeline, sandbox: Api, api: Api
) -> None:
    shop.write(mode="mock")
    shop.write(world="production")
    relay(engine)
    pipeline.drain()
    assert [one["status"] for one in sandbox.messages()] == ["SIMULATED"]
    assert [one["status"] for one in api.messages()] == ["UNROUTABLE"]


def test_rows_with_one_key_are_one_message(
    shop: Shop, engine: Engine, pipeline: Pipeline, database: Database
) -> None:
    shop.write(3, idempotency_key="order-17")
    relay(engine)
    shop.write(idempotency_key="order-17")
    relay(engine)
    assert (database.count("message"), shop.rows()) == (1, [])


@pytest.fixture(params=["direct", "http"])
def way(request: pytest.FixtureRequest, sandbox: Api) -> ways.Way:
    return ways.direct if request.param == "direct" else ways.over_http(sandbox.base_url, sandbox.key)


def test_what_is_refused_stays_with_its_reason_and_can_be_sent_again(
    shop: Shop, engine: Engine, pipeline: Pipeline, database: Database, way: ways.Way, configured: Configure
) -> None:
    configured(max_body_bytes=2000)
    deep: Any = []
    for _ in range(200):
        deep = [deep]
    shop.write(message={"to": {"email": "a@example.com"}})
    shop.write(message={**MESSAGE, "data": {"long": "x" * 3000}})
    shop.write(message={**MESSAGE, "data": {"deep": deep}})
    shop.write(idempotency_key="line\nbreak ü")
    relay(engine, way)
    assert database.count("message") == 1
    reasons = [why for refused, why in shop.rows() if refused]
    assert len(reasons) == 3
    for said in (
        "exactly one of 'template' and 'content'",
        "larger than the 2000 bytes",
        "nested at most 100",
    ):
        assert any(said in why for why in reasons), reasons

    shown = run("outbox", "refused", "--database-url", shop.url)
    assert "exactly one of" in shown.stdout
    assert "No rows wait." in shown.stdout
    shop.connection.execute("UPDATE notify_outbox SET message = %s", [Jsonb(MESSAGE)])
    assert "3 rows wait again" in run("outbox", "retry", "--database-url", shop.url).stdout
    relay(engine, way)
    assert (database.count("message"), shop.rows()) == (4, [])


def test_a_row_that_cannot_be_stored_does_not_hold_up_the_others(
    shop: Shop, engine: Engine, pipeline: Pipeline, database: Database
) -> None:
    shop.write(5)
    shop.write(message={**MESSAGE, "metadata": {"event": "breaks"}})
    database("ALTER TABLE message ADD CONSTRAINT no_such_event CHECK (event <> 'breaks') NOT VALID")
    relay(engine)
    assert database.count("message") == 5
    ((refused, why),) = shop.rows()
    assert refused
    assert why.startswith("It could not be stored (IntegrityError)")


def test_over_http_only_the_rows_of_the_keys_world_go(
    shop: Shop, engine: Engine, pipeline: Pipeline, sandbox: Api, database: Database
) -> None:
    shop.write(3)
    shop.write(2, world="production")
    shop.write(mode="draft")
    only = ways.opened_by(sandbox.key)
    assert only == (World.TEST, Mode.PUBLISHED)
    assert relay(engine, ways.over_http(sandbox.base_url, sandbox.key), only=only) == 3
    assert (database.count("message"), len(shop.rows())) == (3, 3)


# --- when something is away, or dies -------------------------------------------------------------


def test_without_notifys_database_rows_stay(
    shop: Shop, engine: Engine, pipeline: Pipeline, database: Database, way: ways.Way, monkeypatch: Any
) -> None:
    monkeypatch.setattr(ways, "_PATIENCE_S", 0.1)
    shop.write(3)
    with database.away(), pytest.raises(Unavailable):
        relay(engine, way)
    assert shop.rows() == [(False, None)] * 3
    assert relay(engine, way) == 3
    assert database.count("message") == 3


def test_a_key_that_is_not_taken_ends_the_relay_and_keeps_the_rows(
    shop: Shop, engine: Engine, base_url: str, pipeline: Pipeline
) -> None:
    shop.write(3)
    with pytest.raises(Unauthenticated):
        relay(engine, ways.over_http(base_url, "pk_test_wrong"))
    assert shop.rows() == [(False, None)] * 3


class Died(BaseException):
    """kill -9, at a given line."""


def test_a_death_between_acceptance_and_deletion_sends_once(
    shop: Shop, engine: Engine, pipeline: Pipeline, database: Database, way: ways.Way, monkeypatch: Any
) -> None:
    shop.write(3)

    def die(*_: Any) -> None:
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(relaying, "_settle", die)
        with pytest.raises(Died):
            relay(engine, way)
    assert (database.count("message"), len(shop.rows())) == (3, 3)
    assert relay(engine, way) == 3
    assert (database.count("message"), shop.rows()) == (3, [])


def test_a_row_in_one_relays_hands_is_not_anothers(
    shop: Shop, engine: Engine, pipeline: Pipeline, database: Database
) -> None:
    shop.write(20)
    second = store.connect(shop.url)
    taken: list[int] = []

    def while_the_other_looks(rows: Sequence[Waiting]) -> list[ways.Verdict]:
        taken.append(relay(second, batch=4))
        return ways.direct(rows)

    assert relay(engine, while_the_other_looks, batch=8) + sum(taken) == 20
    assert taken[0] == 12
    assert (database.count("message"), shop.rows()) == (20, [])
    second.dispose()


# --- as processes --------------------------------------------------------------------------------

StartRelay = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start_relay(environment: dict[str, str], shop: Shop, tmp_path: Path) -> Iterator[StartRelay]:
    """``notify relay`` in a process of its own, killed when the test ends."""
    with ExitStack() as stack:

        def start(*arguments: str) -> subprocess.Popen[bytes]:
            log = stack.enter_context((tmp_path / "relay.log").open("ab"))
            command = [sys.executable, "-m", "notify.cli", "relay", "--poll", "0.05", *arguments]
            known = {**os.environ, **environment, "NOTIFY_OUTBOX_URL": shop.url}
            running = subprocess.Popen(command, cwd=ROOT, env=known, stdout=log, stderr=log)
            stack.callback(running.wait)
            stack.callback(running.kill)
            return running

        yield start


def test_relays_killed_at_any_moment_lose_and_repeat_nothing(
    shop: Shop, start_relay: StartRelay, pipeline: Pipeline, database: Database
) -> None:
    shop.write(150)
    victims = [start_relay("--batch", "5") for _ in range(2)]
    for kept in (100, 50):
        assert process.wait_until(lambda: len(shop.rows()) <= kept, 60, every_s=0.002)  # noqa: B023
        for victim in victims:
            victim.kill()
        victims = [start_relay("--batch", "5")]
    assert process.wait_until(lambda: not shop.rows(), 60)
    assert database.count("message") == 150
    for victim in victims:
        victim.send_signal(signal.SIGTERM)
        assert victim.wait(30) == 0


# --- the commands --------------------------------------------------------------------------------


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--database-url", "mysql://x"], 1, "must be given as a postgresql:// URL"),
        (["--database-url", "postgresql://nobody@127.0.0.1:1/x"], 1, "cannot be reached"),
        (["--database-url", "{shop}", "--table", "other"], 1, "There is no table other: `notify outbox ddl`"),
        (["--database-url", "{shop}", "--api-url", "http://127.0.0.1:1"], 2, "--api-url needs --key"),
        (["--database-url", "{shop}", "--api-url", "http://x", "--key", "abc"], 1, "none of Notify's"),
    ],
)
def test_a_relay_that_cannot_begin_says_why(
    shop: Shop, configured: Configure, monkeypatch: Any, arguments: list[str], code: int, said: str
) -> None:
    monkeypatch.delenv("NOTIFY_API_KEY", raising=False)
    done = run("relay", *(one.format(shop=shop.url) for one in arguments), "--once")
    assert (done.exit_code, said in done.stderr) == (code, True), done.stderr


def test_the_outbox_may_have_another_name(
    shop: Shop, configured: Configure, pipeline: Pipeline, database: Database
) -> None:
    shop.connection.execute("CREATE SCHEMA mail")
    shop.connection.execute(run("outbox", "ddl", "--table", "mail.to_send").stdout.encode())
    shop.connection.execute("INSERT INTO mail.to_send (message, world) VALUES (%s, 'test')", [Jsonb(MESSAGE)])
    done = run("relay", "--database-url", shop.url, "--table", "mail.to_send", "--once")
    assert done.stdout == "1 rows settled.\n", done.output
    assert database.count("message") == 1


def test_a_key_tells_what_it_opens() -> None:
    assert ways.opened_by("mk_prod_x") == (World.PRODUCTION, Mode.MOCK)
    assert {mode: kind for kind, mode in ways._MODES.items()} == keys._KIND
    assert {world: name for name, world in ways._WORLDS.items()} == keys._WORLD
