"""Checks of what Notify stands on: settings, PostgreSQL, the broker, the clocks."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from notify import clock, queue, settings
from notify.errors import Unavailable
from notify.manage.findings import Finding, fail, ok, warn
from notify.store import db, partitions, sealed, server
from notify.store.server import Server
from notify.transport import Watched
from notify.transport.inspection import RedisServer, redis_server

_OLDEST = 150000
_SKEW = timedelta(seconds=2)
_WEEKS = timedelta(weeks=2)
_CHUNK = 500
_REDIS = ("redis://", "rediss://", "unix://", "sentinel://")
_NOT_DURABLE = {"off", "local"}


def configuration() -> Iterator[Finding]:
    """Settings that go together badly; what is wrong with single ones has stopped us before."""
    config = settings.load()
    yield ok("settings", "complete and well-formed")
    if config.visibility_timeout_s < 2 * (config.horizon_s + config.dispatch_every_s):
        yield fail(
            "settings",
            f"a task that waits {config.horizon_s:g} s comes back after {config.visibility_timeout_s:g} s",
            "raise NOTIFY_VISIBILITY_TIMEOUT_S well above NOTIFY_HORIZON_S",
        )
    if config.public_url is None:
        yield warn(
            "settings",
            "NOTIFY_PUBLIC_URL is not set: providers cannot report deliveries and bounces",
            "set it to where the world reaches the API",
        )


def database() -> Iterator[Finding]:
    """The server, the schema, partitions and secrets."""
    try:
        with db.begin() as tx:
            current, facts = db.is_current(tx), server.facts(tx)
            ends = [one.ends for one in partitions.find(tx) if one.table == "message"]
            outdated = len(list(sealed.outdated(tx, _CHUNK))) if current else 0
    except Unavailable as error:
        yield fail("database", str(error), "see that PostgreSQL runs and DATABASE_URL is right")
        return
    yield ok("database", f"PostgreSQL {facts.version // 10000}.{facts.version % 10000} answers")
    yield _skew("database", facts.now)
    if not current:
        yield fail("database", "the schema is not the one of this version", "run `notify migrate`")
    yield from _server(facts)
    yield _partitions(max(ends, default=None))
    if outdated:
        text = f"{outdated} secrets are encrypted with an older key"
        yield warn("secrets", text, "run `notify secrets rotate`")


def _server(facts: Server) -> Iterator[Finding]:
    pool = settings.load().database_pool_size
    if facts.version < _OLDEST:
        yield fail("database", "PostgreSQL is older than 15", "use 15 or newer")
    if facts.is_replica:
        yield fail("database", "this is a read-only replica", "point DATABASE_URL at the primary")
    if not facts.may_create:
        fix = "GRANT CREATE ON SCHEMA to the user of DATABASE_URL"
        yield fail("database", "its user may not create partitions", fix)
    if not facts.fsync:
        yield fail("database", "fsync is off: a crash loses what was accepted", "set fsync = on")
    if facts.synchronous_commit in _NOT_DURABLE:
        text = f"synchronous_commit is {facts.synchronous_commit}: a crash may lose what was accepted"
        yield fail("database", text, "set synchronous_commit = on for this database and user")
    if not facts.autovacuum:
        yield fail("database", "autovacuum is off: the work table grows", "set autovacuum = on")
    if facts.connections + pool > facts.max_connections:
        yield warn(
            "database",
            f"{facts.connections} of {facts.max_connections} connections are in use; a process takes {pool}",
            "raise max_connections, lower NOTIFY_DATABASE_POOL_SIZE, or put PgBouncer in front",
        )
    if facts.prepared:
        text = f"{facts.prepared} prepared transactions hold locks"
        yield warn("database", text, "COMMIT or ROLLBACK PREPARED what nobody will finish")


def _partitions(end: datetime | None) -> Finding:
    left = (end - clock.now()) if end else timedelta()
    if left < _WEEKS:
        text = f"partitions end in {max(left.days, 0)} days; sends fail after that"
        return fail("partitions", text, "see that beat and the queue `maintenance` run; `notify retention`")
    return ok("partitions", f"made for {left.days // 7} weeks ahead")


def broker() -> Iterator[Finding]:
    """The broker; of Redis and Valkey, whether they may forget tasks."""
    config = settings.load()
    if not queue.reachable():
        yield fail("broker", "cannot be reached", "see that it runs and BROKER_URL is right")
        return
    if not config.broker_url.startswith(_REDIS):
        yield ok("broker", "answers")
        return
    password = config.sentinel_password.get_secret_value() if config.sentinel_password else None
    watched = Watched(master=config.sentinel_master, password=password)
    found = redis_server(config.broker_url, watched)
    if found is None:
        yield warn("broker", "answers, but says nothing of itself", "let its user run INFO and TIME")
        return
    yield ok("broker", f"version {found.version} answers")
    yield _skew("broker", found.now)
    yield from _redis(found)


def _redis(found: RedisServer) -> Iterator[Finding]:
    if found.eviction != "noeviction":
        text = f"maxmemory-policy is {found.eviction}: it may drop queues when memory is short"
        yield fail("broker", text, "set maxmemory-policy noeviction")
    if not found.persistence:
        yield warn(
            "broker",
            "comes back empty after a restart; the reconciler makes that good within seconds",
            "set appendonly yes, unless that is what you want",
        )
    if found.maxmemory and found.used > 0.9 * found.maxmemory:
        text = f"uses {found.used >> 20} of {found.maxmemory >> 20} MiB"
        yield warn("broker", text, "give it more memory, or the queues more workers")


def _skew(subject: str, now: datetime) -> Finding:
    skew = abs(now - clock.now())
    if skew > _SKEW:
        text = f"its clock is {skew.total_seconds():.1f} s off from this machine's"
        return fail(subject, text, "run NTP on both machines")
    return ok(subject, "its clock agrees with this machine's")
