"""The PostgreSQL server as an operator has to know it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from notify.store.db import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """``version``: as 150004. ``now``: its clock. ``prepared``: transactions somebody has left behind."""

    version: int
    now: datetime
    autovacuum: bool
    synchronous_commit: str
    fsync: bool
    max_connections: int
    connections: int
    is_replica: bool
    may_create: bool
    prepared: int


_FACTS = text("""
    SELECT current_setting('server_version_num')::int AS version, clock_timestamp() AS now,
      current_setting('autovacuum')::bool AS autovacuum,
      current_setting('synchronous_commit') AS synchronous_commit,
      current_setting('fsync')::bool AS fsync,
      current_setting('max_connections')::int AS max_connections,
      (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
      pg_is_in_recovery() AS is_replica,
      has_schema_privilege(current_schema(), 'CREATE') AS may_create,
      (SELECT count(*) FROM pg_prepared_xacts) AS prepared
""")


def facts(tx: Tx) -> Server:
    return Server(**tx.execute(_FACTS).one()._mapping)
