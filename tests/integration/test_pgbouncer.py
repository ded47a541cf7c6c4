"""PostgreSQL through PgBouncer in transaction mode: few sessions for many, lent by the transaction."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from notify import settings
from notify.local import process
from notify.manage import keys
from notify.model.names import World
from notify.store import db
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database
from tests.pgbouncer import PROGRAM, running_pgbouncer
from tests.servers import ProviderLab
from tests.stack import StartWorker

TIMEOUT_S = 90

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="NOT TESTED WITH PGBOUNCER: no pgbouncer")
if not PROGRAM.exists():
    warnings.warn("pgbouncer is not installed, so nothing is tested with PgBouncer", stacklevel=1)


@pytest.fixture
def pooled_url(database_url: str, tmp_path: Path) -> Iterator[str]:
    with running_pgbouncer(tmp_path, database_url) as url:
        yield url


@pytest.fixture
def pooled(configured: Configure, pooled_url: str, database_url: str) -> None:
    """This process reaches its database through the pooler."""
    configured(
        database_url=pooled_url,
        migration_database_url=database_url,
        database_pooler=True,
        database_pool_size=20,
        lease_s=3,
    )


def test_messages_go_all_the_way(
    base_url: str,
    pooled: None,
    pooled_url: str,
    database: Database,
    start_worker: StartWorker,
    lab: ProviderLab,
) -> None:
    api = Api(base_url, keys.create(World.PRODUCTION, "tests"))
    for _ in range(2):
        start_worker(
            "expand", "expand.bulk", "render", "render.bulk", "route", "route.bulk", "deliver.email",
            "deliver.email.bulk", DATABASE_URL=pooled_url, NOTIFY_DATABASE_POOLER="true",
        )  # fmt: skip
    api.configure("sendgrid", factories.sendgrid(lab))
    for number in range(30):
        api.send(to={"email": f"single-{number}@example.com"})
    api.send(to=[{"email": f"many-{number}@example.com"} for number in range(120)])

    def sent() -> int:
        return int(database.one("SELECT count(*) FROM message WHERE status = 'SENT'"))

    process.wait_until(lambda: sent() == 150, TIMEOUT_S, every_s=0.2)
    assert (sent(), database.work()) == (150, [])
    assert len(lab.of("sendgrid")) == 150


def test_every_transaction_may_run_in_another_session(pooled: None) -> None:
    """Enough of them, on enough connections, that sessions are mixed up."""
    engine = db.engine()
    connections = [engine.connect() for _ in range(12)]
    for _ in range(8):
        for connection in connections:
            with connection.begin():
                assert connection.execute(text("SELECT CAST(:n AS int)"), {"n": 7}).scalar_one() == 7
    for connection in connections:
        connection.close()


def test_migrations_take_the_direct_way(pooled: None, database_url: str) -> None:
    assert settings.load().migration_url.endswith(database_url.partition("://")[2])
    db.migrate()
