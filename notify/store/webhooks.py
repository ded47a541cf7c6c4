"""Webhook destinations. Their secrets are encrypted at rest and opened only where something is signed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, text, update

from notify.model.hook import HookEvent
from notify.model.names import World
from notify.store import cache, vault
from notify.store.db import Tx
from notify.store.tables import webhook_destination as table


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """``previous`` signs as well until ``previous_until``."""

    current: str = field(repr=False)
    previous: str | None = field(default=None, repr=False)
    previous_until: datetime | None = None

    def seal(self) -> bytes:
        until = self.previous_until.isoformat() if self.previous_until else None
        return vault.seal({"current": self.current, "previous": self.previous, "previous_until": until})

    def in_force(self, now: datetime) -> tuple[str, ...]:
        """The secrets to sign with, the newest first."""
        if self.previous and self.previous_until and now < self.previous_until:
            return self.current, self.previous
        return (self.current,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """``events``: those it asked for; none: all. A URL may hold a token, and is left out of ``repr``."""

    id: UUID
    world: World
    url: str = field(repr=False)
    title: str
    events: tuple[HookEvent, ...]
    sealed: bytes | None = field(repr=False)
    created_at: datetime
    updated_at: datetime | None
    paused_at: datetime | None
    pause_reason: str | None
    failing_since: datetime | None
    failures: int

    def wants(self, event: HookEvent) -> bool:
        return not self.events or event in self.events

    def secret(self) -> Secret | None:
        """Opened anew at each call."""
        if self.sealed is None:
            return None
        opened = vault.unseal(self.sealed)
        until = opened["previous_until"]
        return Secret(
            current=opened["current"],
            previous=opened["previous"],
            previous_until=datetime.fromisoformat(until) if until else None,
        )


def _read(row: Any) -> Destination:
    return Destination(
        id=row.id,
        world=World(row.world),
        url=row.url,
        title=row.title,
        events=tuple(HookEvent(name) for name in row.events),
        sealed=bytes(row.secrets) if row.secrets is not None else None,
        created_at=row.created_at,
        updated_at=row.updated_at,
        paused_at=row.paused_at,
        pause_reason=row.pause_reason,
        failing_since=row.failing_since,
        failures=row.failures,
    )


_KEPT = select(table).where(table.c.archived_at.is_(None))


def known(tx: Tx) -> Sequence[Destination]:
    """Every destination of every world, paused ones included; cached."""
    query = _KEPT.order_by(table.c.id)
    return cache.get(("webhooks",), lambda: tuple(_read(row) for row in tx.execute(query))) or ()


def listening(tx: Tx, world: World, event: HookEvent) -> list[Destination]:
    """The destinations that are to hear of such an event; asks the cache."""
    return [one for one in known(tx) if one.world is world and one.wants(event)]


def create(
    tx: Tx, world: World, id_: UUID, *, url: str, title: str, events: Sequence[str], secret: Secret | None
) -> None:
    values = {"id": id_, "world": world, "url": url, "title": title, "events": list(events)}
    tx.execute(insert(table).values(**values, secrets=secret and secret.seal()))
    cache.changed(tx)


def change(tx: Tx, id_: UUID, **values: Any) -> None:
    """Set columns of a destination that people edit."""
    tx.execute(update(table).where(table.c.id == id_).values(**values, updated_at=func.now()))
    cache.changed(tx)


def get(tx: Tx, world: World, id_: UUID, *, lock: bool = False) -> Destination | None:
    query = _KEPT.where(table.c.world == world, table.c.id == id_)
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return _read(row) if row else None


def find(tx: Tx, world: World, *, after: UUID | None, limit: int) -> list[Destination]:
    """Destinations in the order they were made."""
    query = _KEPT.where(table.c.world == world)
    if after is not None:
        query = query.where(table.c.id > after)
    return [_read(row) for row in tx.execute(query.order_by(table.c.id).limit(limit))]


_TAKE_TURNS = text("SELECT pg_advisory_xact_lock(hashtextextended('webhooks ' || :world, 0))")


def count(tx: Tx, world: World) -> int:
    """How many the world has; nobody else adds one before this transaction ends."""
    tx.execute(_TAKE_TURNS, {"world": world})
    query = select(func.count()).where(table.c.world == world, table.c.archived_at.is_(None))
    return int(tx.execute(query).scalar_one())


_ARCHIVE = text("""
    UPDATE webhook_destination SET archived_at = now(), secrets = NULL
    WHERE id = :id AND archived_at IS NULL
""")


def archive(tx: Tx, id_: UUID) -> None:
    """Archive, and forget its secret."""
    tx.execute(_ARCHIVE, {"id": id_})
    cache.changed(tx)


_SUCCEEDED = text("""
    UPDATE webhook_destination SET failing_since = NULL, failures = 0 WHERE id = :id AND failures > 0
""")
_FAILED = text("""
    UPDATE webhook_destination
    SET failing_since = coalesce(failing_since, :at), failures = failures + :calls WHERE id = :id
    RETURNING failing_since, failures
""")
_PAUSE = text("""
    UPDATE webhook_destination SET paused_at = :at, pause_reason = :reason
    WHERE id = :id AND paused_at IS NULL
""")


def succeeded(tx: Tx, id_: UUID) -> None:
    """A call came through: what failed before does not count any more."""
    tx.execute(_SUCCEEDED, {"id": id_})


def failed(tx: Tx, id_: UUID, calls: int, at: datetime) -> tuple[datetime, int]:
    """Nothing but failed calls; since when that is so, and how many they are by now."""
    row = tx.execute(_FAILED, {"id": id_, "calls": calls, "at": at}).one()
    return row.failing_since, row.failures


def pause(tx: Tx, id_: UUID, reason: str, at: datetime) -> bool:
    """Pause; False when it is paused already, and keeps its reason."""
    done = tx.execute(_PAUSE, {"id": id_, "reason": reason, "at": at}).rowcount > 0
    cache.changed(tx)
    return done
