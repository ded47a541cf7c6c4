"""Migrations: up, down to nothing and up again; and the schema they make is the one the code knows."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from notify.store import db
from notify.store.tables import METADATA, PARTITIONED
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline
from tests.stack import Servers

_TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY relname"


def _relations(database: Database) -> list[str]:
    return [row["relname"] for row in database(_TABLES)]


@pytest.fixture
def empty_url(servers: Servers) -> Iterator[str]:
    """A database without any schema."""
    name = f"empty_{next(servers.numbers)}"
    servers.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    yield servers.url(name)
    servers.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_the_migrations_are_one_line(configured: Configure) -> None:
    scripts = ScriptDirectory.from_config(db._alembic(""))
    assert len(scripts.get_heads()) == 1
    assert len(scripts.get_bases()) == 1
    assert db.head() == scripts.get_current_head()


def test_the_schema_goes_down_to_nothing_and_up_again(
    sandbox: Api, pipeline: Pipeline, database: Database
) -> None:
    sandbox.send()
    pipeline.drain()
    before = _relations(database)
    with db.begin() as tx:
        assert db.is_current(tx)
    config = db._alembic(database.url)
    command.downgrade(config, "base")
    assert _relations(database) == ["alembic_version", "alembic_version_pkc"]
    with db.begin() as tx:
        assert not db.is_current(tx)
    command.upgrade(config, "head")
    assert _relations(database) == before


def test_every_step_goes_down_and_up(database: Database) -> None:
    config = db._alembic(database.url)
    for script in ScriptDirectory.from_config(config).walk_revisions():
        before = _relations(database)
        below = str(script.down_revision or "base")
        for _ in range(2):
            command.downgrade(config, below)
            command.upgrade(config, script.revision)
        assert _relations(database) == before
        command.downgrade(config, below)


def _ours(thing: Any, name: str | None, type_: str, reflected: bool, compared_to: Any) -> bool:
    """Leaves partitions out, which belong to their tables."""
    table = name if type_ == "table" else thing.table.name
    parents = {table.name for table in PARTITIONED}
    return table != "alembic_version" and str(table).rpartition("_")[0] not in parents


def test_the_code_knows_the_schema_the_migrations_make(database: Database) -> None:
    options = {"compare_type": True, "compare_server_default": True, "include_object": _ours}
    with db.begin() as tx:
        context = MigrationContext.configure(tx, opts=options)
        assert compare_metadata(context, METADATA) == []


def test_several_that_migrate_at_once_do_no_harm(empty_url: str) -> None:
    migrate = "import sys; from notify.store import db; db.migrate(sys.argv[1])"
    running = [
        subprocess.Popen([sys.executable, "-c", migrate, empty_url], stderr=subprocess.PIPE) for _ in range(3)
    ]
    assert [(process.wait(60), process.communicate()[1]) for process in running] == [(0, b"")] * 3


def test_migrating_what_is_current_changes_nothing(database: Database) -> None:
    before = _relations(database)
    db.migrate(database.url)
    assert _relations(database) == before
