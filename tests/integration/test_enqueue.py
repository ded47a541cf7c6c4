"""``notify.enqueue``: the message goes out if and only if the producer's transaction commits."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, MetaData, create_engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from notify import enqueue, outbox_table, queue, settings
from notify.errors import InvalidRequest
from notify.local import process
from notify.model.names import World
from notify.producers import wake
from notify.producers.wake import Waker
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline
from tests.stack import ROOT, StartWorker

MESSAGE = factories.message()
TABLES = ("request", "message", "work", "idempotency")


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """The producer's own, to the database that is Notify's, too."""
    made = create_engine(database.url.replace("postgresql://", "postgresql+psycopg://"))
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE purchase (id integer PRIMARY KEY)"))
    yield made
    made.dispose()


@pytest.fixture
def offered(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """The pipeline, which gets the producer's wake-ups."""
    monkeypatch.setattr(Waker, "offer", lambda self, handoff: pipeline.publish(handoff) and None)
    return pipeline


def _stored(database: Database) -> list[int]:
    return [database.count(table) for table in TABLES]


# --- a transaction -------------------------------------------------------------------------------


def test_a_commit_sends_once(engine: Engine, offered: Pipeline, sandbox: Api, database: Database) -> None:
    with Session(engine) as session, session.begin():
        session.execute(text("INSERT INTO purchase VALUES (1)"))
        id_ = enqueue(session, MESSAGE)
        assert offered.waiting == []
    assert len(offered.waiting) == 1
    offered.drain()
    assert sandbox.message(id_)["status"] == "SENT"
    assert (database.count("message"), database.count("purchase")) == (1, 1)


def test_a_rollback_sends_nothing(engine: Engine, offered: Pipeline, database: Database) -> None:
    with Session(engine) as session:
        session.execute(text("INSERT INTO purchase VALUES (1)"))
        enqueue(session, MESSAGE, idempotency_key="k")
        with pytest.raises(IntegrityError):
            session.execute(text("INSERT INTO purchase VALUES (1)"))
        session.rollback()
        session.commit()
    assert _stored(database) == [0, 0, 0, 0]
    assert offered.waiting == []


def test_a_savepoint_rolled_back_takes_only_its_own_message_along(
    engine: Engine, offered: Pipeline, sandbox: Api, database: Database
) -> None:
    with Session(engine) as session, session.begin():
        kept = enqueue(session, MESSAGE)
        with pytest.raises(IntegrityError), session.begin_nested() as savepoint:
            _fail_after_enqueuing(savepoint.session)
        with session.begin_nested():
            also = enqueue(session, MESSAGE)
        assert offered.waiting == []  # a released savepoint is no commit
    offered.drain()
    assert {one["id"]: one["status"] for one in sandbox.messages()} == {kept: "SENT", also: "SENT"}


def _fail_after_enqueuing(session: Session) -> None:
    enqueue(session, MESSAGE)
    session.execute(text("INSERT INTO purchase VALUES (1), (1)"))


def test_a_session_is_used_again_and_again(engine: Engine, offered: Pipeline, sandbox: Api) -> None:
    with Session(engine) as session:
        for expected in range(1, 4):
            enqueue(session, MESSAGE)
            session.commit()
            enqueue(session, MESSAGE)
            session.rollback()
            assert len(offered.waiting) == expected
    offered.drain()
    assert [one["status"] for one in sandbox.messages()] == ["SENT"] * 3


def test_a_bare_connection_works_too(engine: Engine, offered: Pipeline, sandbox: Api) -> None:
    with engine.begin() as connection:
        id_ = enqueue(connection, MESSAGE)
    (wake_up,) = offered.waiting
    assert wake_up.at is not None  # the commit is told of before it is done
    with engine.connect() as connection:
        enqueue(connection, MESSAGE)
    assert [one["id"] for one in sandbox.messages()] == [id_]


def test_a_scoped_session_works_too(engine: Engine, offered: Pipeline, sandbox: Api) -> None:
    session = scoped_session(sessionmaker(engine))
    id_ = enqueue(session, MESSAGE)
    session.commit()
    session.remove()
    offered.drain()
    assert sandbox.message(id_)["status"] == "SENT"


def test_an_async_session_lends_its_transaction(
    engine: Engine, offered: Pipeline, sandbox: Api, database: Database
) -> None:
    async def produce() -> str:
        made = create_async_engine(engine.url)
        async with AsyncSession(made) as session, session.begin():
            with pytest.raises(TypeError, match="run_sync"):
                enqueue(session, MESSAGE)  # type: ignore[arg-type]
            id_ = await session.run_sync(enqueue, MESSAGE, idempotency_key="k")
        await made.dispose()
        return id_

    id_ = asyncio.run(produce())
    offered.drain()
    assert sandbox.message(id_)["status"] == "SENT"


def test_without_a_transaction_nothing_is_written(
    engine: Engine, offered: Pipeline, database: Database
) -> None:
    with (
        engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
        pytest.raises(ValueError, match="autocommit"),
    ):
        enqueue(connection, MESSAGE)
    with pytest.raises(TypeError, match="Session or Connection, not str"):
        enqueue("session", MESSAGE)  # type: ignore[arg-type]
    assert _stored(database) == [0, 0, 0, 0]


# --- what is asked -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"to": {"email": "a@example.com"}}, "Give exactly one of 'template' and 'content'"),
        ({**MESSAGE, "routing": {"method": "some", "channels": []}}, "message.routing.method: "),
        ({**MESSAGE, "content": {"elements": [{"type": "action"}]}}, "message.content.elements[0]"),
        ({**MESSAGE, "data": {"name": "a\0b"}}, "message.data.name: Text may not contain NUL"),
        ({**MESSAGE, "data": {"n": float("nan")}}, "message.data.n: Numbers must be finite"),
        ({**MESSAGE, "data": {"what": object()}}, "message: Type is not JSON serializable: object"),
        ({**MESSAGE, "data": "x" * 5_000_000}, "message: larger than 4194304 bytes"),
        ("hello", "message: Input should be an object"),
    ],
)
def test_what_send_would_refuse_is_refused_at_once(
    engine: Engine, offered: Pipeline, database: Database, message: Any, said: str
) -> None:
    with Session(engine) as session, session.begin():
        with pytest.raises(InvalidRequest) as refused:
            enqueue(session, message)
        assert said in str(refused.value)
        session.execute(text("INSERT INTO purchase VALUES (1)"))  # the transaction is as good as before
    assert database.count("purchase") == 1
    assert _stored(database) == [0, 0, 0, 0]


@pytest.mark.parametrize(
    "wrong", [{"world": "moon"}, {"mode": "loud"}, {"idempotency_key": ""}, {"idempotency_key": "k" * 256}]
)
def test_wrong_names_are_refused(engine: Engine, offered: Pipeline, wrong: dict[str, str]) -> None:
    with Session(engine) as session, pytest.raises(InvalidRequest, match=next(iter(wrong))):
        enqueue(session, MESSAGE, **wrong)


def test_a_key_is_one_message_however_often(engine: Engine, offered: Pipeline, database: Database) -> None:
    with Session(engine) as session:
        first = [enqueue(session, MESSAGE, idempotency_key="k") for _ in range(2)]
        session.commit()
        again = enqueue(session, MESSAGE, idempotency_key="k")
        other = enqueue(session, MESSAGE, idempotency_key="k", world=World.PRODUCTION)
        session.commit()
    assert {*first, again} == {first[0]} != {other}
    assert database.count("message") == 2


def test_a_key_in_a_long_transaction_does_not_hold_up_the_api(
    engine: Engine, offered: Pipeline, sandbox: Api
) -> None:
    with Session(engine) as session, session.begin():
        enqueue(session, MESSAGE, idempotency_key="k")
        sandbox.accepted(sandbox.post("/send", {"message": MESSAGE}, idempotency_key="k"))


def test_world_and_mode_are_those_of_api_keys(
    engine: Engine, offered: Pipeline, api: Api, sandbox: Api, configured: Configure
) -> None:
    with Session(engine) as session, session.begin():
        mock = enqueue(session, MESSAGE, mode="mock")
        production = enqueue(session, MESSAGE, world="production")
    configured(world="production")
    with Session(engine) as session, session.begin():
        by_setting = enqueue(session, MESSAGE)
    offered.drain()
    assert sandbox.message(mock)["status"] == "SIMULATED"
    assert [api.message(id_)["status"] for id_ in (production, by_setting)] == ["UNROUTABLE"] * 2


# --- an outbox -----------------------------------------------------------------------------------


def test_an_outbox_takes_the_message_instead(engine: Engine, offered: Pipeline, database: Database) -> None:
    metadata = MetaData()
    table = outbox_table(metadata)
    metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        id_ = enqueue(session, MESSAGE, outbox=table, idempotency_key="k", mode="draft")
        with pytest.raises(InvalidRequest):
            enqueue(session, {"to": {}}, outbox=table)
    with engine.connect() as connection:
        enqueue(connection, MESSAGE, outbox=table)
    (row,) = database("SELECT id::text, message, world, mode, idempotency_key FROM notify_outbox")
    assert row == {"id": id_, "message": MESSAGE, "world": "test", "mode": "draft", "idempotency_key": "k"}
    assert _stored(database) == [0, 0, 0, 0]
    assert offered.waiting == []


# --- the process ---------------------------------------------------------------------------------

LIGHT = """
import sys, notify
heavy = {"sqlalchemy", "celery", "pydantic", "fastapi"} & set(sys.modules)
assert not heavy, heavy
"""
PRODUCER = """
import celery, os, sys
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from notify import enqueue

own = celery.Celery("shop", broker="memory://")
with Session(create_engine(os.environ["SHOP_URL"])) as session, session.begin():
    print(enqueue(session, {"to": {"email": "ada@example.com"}, "content": {"title": "T", "body": "B"}}))
assert "celery.app.amqp" not in sys.modules or celery.current_app._get_current_object() is own
"""


def _run(code: str, tmp_path: Any, **environment: str) -> str:
    clean = {name: value for name, value in os.environ.items() if "URL" not in name and "NOTIFY" not in name}
    # A producer may well have a module of this name, too.
    (tmp_path / "celeryconfig.py").write_text("raise AssertionError('the producer\\'s own')")
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()


def test_importing_notify_brings_in_nothing(tmp_path: Any) -> None:
    _run(LIGHT, tmp_path, PYTHONPATH=str(ROOT))


@pytest.mark.parametrize("with_broker", [True, False])
def test_a_process_of_its_own_needs_no_settings_and_wakes_up_the_workers(
    environment: dict[str, str],
    engine: Engine,
    sandbox: Api,
    start_worker: StartWorker,
    tmp_path: Any,
    with_broker: bool,
) -> None:
    start_worker("render", "route", "deliver.email")
    known = {"PYTHONPATH": str(ROOT), "SHOP_URL": engine.url.render_as_string(hide_password=False)}
    broker = {"NOTIFY_BROKER_URL": environment["BROKER_URL"]} if with_broker else {}
    id_ = _run(PRODUCER, tmp_path, **known, **broker)
    status = lambda: sandbox.message(id_)["status"]  # noqa: E731
    if with_broker:
        assert process.wait_until(lambda: status() == "SENT", 30)
    else:
        assert status() == "ENQUEUED"


def test_a_broker_that_is_away_disturbs_nobody(
    engine: Engine, configured: Configure, database: Database
) -> None:
    configured(broker_url="redis://127.0.0.1:1/0")
    with Session(engine) as session, session.begin():
        enqueue(session, MESSAGE)
    waker = wake.waker()
    assert waker is not None
    waker._thread.shutdown(wait=True)
    wake._waker.cache_clear()
    assert database.count("work") == 1


def test_the_producers_client_knows_every_queue(configured: Configure) -> None:
    client = queue.client(settings.load_producer())
    assert set(client.amqp.queues) == set(queue.names())
