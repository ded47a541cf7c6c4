"""retention: partitions are made ahead and dropped when they are old; what has expired goes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest

from notify import clock
from notify.model.work import Stage
from notify.pipeline import retention
from notify.store import partitions
from notify.store.tables import PARTITIONED
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline, Time

WEEK = 7 * 24 * 3600


def _partitions(database: Database, table: str = "message") -> list[str]:
    """The weeks a table has partitions for."""
    partition = f"relkind = 'r' AND relname ~ '^{table}_[0-9]{{8}}$'"
    rows = database(f"SELECT right(relname, 8) AS week FROM pg_class WHERE {partition} ORDER BY week")
    return [row["week"] for row in rows]


def test_there_are_partitions_for_weeks_to_come(database: Database, time: Time) -> None:
    retention.run()
    before = _partitions(database)
    assert len(before) == partitions.AHEAD + 2
    time.passes(seconds=2 * WEEK)
    retention.run()
    after = _partitions(database)
    assert after[: len(before)] == before
    assert len(after) == len(before) + 2


def test_every_partitioned_table_has_the_same_weeks(database: Database, time: Time) -> None:
    time.passes(seconds=WEEK)
    retention.run()
    tables = [table.name for table in PARTITIONED]
    weeks = _partitions(database)
    assert {name: _partitions(database, name) for name in tables} == dict.fromkeys(tables, weeks)


def test_old_messages_go_and_young_ones_stay(
    sandbox: Api, pipeline: Pipeline, database: Database, time: Time
) -> None:
    id_ = sandbox.send()
    pipeline.drain()
    time.passes(seconds=90 * 24 * 3600)
    retention.run()
    assert sandbox.message(id_)["status"] == "SENT"
    time.passes(seconds=WEEK)
    retention.run()
    assert sandbox.get(f"/messages/{id_}").status_code == 404
    assert [table.name for table in PARTITIONED if database.count(table.name)] == []


def test_how_long_is_a_setting(sandbox: Api, pipeline: Pipeline, configured: Configure, time: Time) -> None:
    configured(retention_days=7)
    id_ = sandbox.send()
    pipeline.drain()
    time.passes(seconds=2 * WEEK + 1)
    retention.run()
    assert sandbox.get(f"/messages/{id_}").status_code == 404


@pytest.mark.parametrize("to", [{"user_id": "a"}, [{"user_id": "a"}, {"user_id": "b"}]], ids=["one", "many"])
def test_work_of_what_has_gone_ends(
    sandbox: Api, pipeline: Pipeline, database: Database, time: Time, to: object
) -> None:
    sandbox.send(to=to)
    time.passes(seconds=100 * 24 * 3600)
    retention.run()
    pipeline.drain()
    assert database.work() == []


def test_expired_keys_go_in_bounded_passes(sandbox: Api, database: Database, configured: Configure) -> None:
    configured(pass_size=2)
    for number in range(5):
        sandbox.post("/send", {"message": factories.message()}, idempotency_key=str(number))
    database("UPDATE idempotency SET expires_at = now() WHERE key <> '0'")
    left = []
    for _ in range(3):
        retention.run()
        left.append(database.count("idempotency"))
    assert left == [3, 1, 1]


def test_several_passes_at_once_do_no_harm(database: Database, time: Time) -> None:
    time.passes(seconds=3 * WEEK)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: retention.run(), range(4)))
    assert len(_partitions(database)) == partitions.AHEAD + 2 + 3


@pytest.mark.parametrize("weeks", [-1, 0, 1, partitions.AHEAD])
def test_a_message_of_any_week_ahead_has_its_place(database: Database, weeks: int) -> None:
    retention.run()
    at = int((clock.now() + timedelta(weeks=weeks)).timestamp() * 1000)
    id_ = UUID(int=at << 80)
    database("INSERT INTO message_plan VALUES (%s, '{}')", id_)
    assert database.one("SELECT message_id FROM message_plan") == id_


# --- tables of their own -------------------------------------------------------------------------


def test_content_goes_before_the_message_and_readers_bear_it(
    sandbox: Api, pipeline: Pipeline, configured: Configure, time: Time
) -> None:
    configured(content_retention_days=14, event_retention_days=28)
    id_ = sandbox.send()
    request = sandbox.send(to=[{"email": factories.ADA}, {"email": "bob@example.com"}])
    pipeline.drain()
    time.passes(seconds=3 * WEEK + 1)
    retention.run()
    assert sandbox.message(id_)["status"] == "SENT"
    assert sandbox.get(f"/messages/{id_}/output").status_code == 404
    assert sandbox.post(f"/messages/{id_}/resend").status_code == 404
    assert "SENT" in sandbox.happened(id_)
    assert sandbox.get(f"/messages/{id_}/explain").status_code == 200
    assert len(sandbox.messages(traceId=request)) == 2
    time.passes(seconds=2 * WEEK)
    retention.run()
    assert sandbox.message(id_)["status"] == "SENT"
    assert sandbox.happened(id_) == ["ENQUEUED"]


def test_what_is_not_finished_is_kept_however_old(
    sandbox: Api, pipeline: Pipeline, configured: Configure, time: Time
) -> None:
    configured(retention_days=7)
    id_ = sandbox.send(delay={"duration": 5 * WEEK * 1000})
    pipeline.drain()
    time.passes(seconds=4 * WEEK)
    assert retention.UNFINISHED in {one.kept for one in retention.run()}
    time.passes(seconds=WEEK + 1)
    pipeline.step(Stage.ROUTE)
    pipeline.drain()
    assert sandbox.message(id_)["status"] == "SENT"


def test_a_dry_run_tells_what_a_pass_drops(sandbox: Api, pipeline: Pipeline, time: Time) -> None:
    sandbox.send()
    pipeline.drain()
    assert retention.due() == []
    time.passes(seconds=100 * 24 * 3600)
    told = {one.name for one in retention.due()}
    assert any(name.startswith("message_content_") for name in told)
    assert {one.name for one in retention.run()} == told
    assert retention.due() == []


def test_old_audit_events_go(sandbox: Api, time: Time, database: Database) -> None:
    assert database.count("audit_event") == 1
    time.passes(seconds=364 * 24 * 3600)
    retention.run()
    assert database.count("audit_event") == 1
    time.passes(seconds=2 * 24 * 3600)
    retention.run()
    assert database.count("audit_event") == 0


# --- beside the sends ----------------------------------------------------------------------------


def test_a_long_reader_holds_up_neither_sends_nor_the_pass(
    sandbox: Api, pipeline: Pipeline, database: Database, time: Time
) -> None:
    """A DROP that waits for the reader would have every send behind it wait, too."""
    sandbox.send()
    pipeline.drain()
    time.passes(seconds=100 * 24 * 3600)
    before = set(_partitions(database))
    with database.connect() as reader, ThreadPoolExecutor(1) as thread:
        reader.execute("SELECT count(*) FROM message")
        reader.execute("SELECT count(*) FROM delivery")
        running = thread.submit(retention.run)
        while not running.done():
            sandbox.session.post(
                f"{sandbox.base_url}/send", json={"message": factories.message()}, timeout=5
            ).raise_for_status()
        kept = {one.name: one.kept for one in running.result() if one.kept}
        assert retention.IN_USE in kept.values()
        assert set(_partitions(database)) == before
    retention.run()
    assert before - set(_partitions(database))
