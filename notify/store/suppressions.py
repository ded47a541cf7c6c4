"""Suppressed addresses, kept as keyed digests: who has the database alone cannot read or guess them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete as sql_delete
from sqlalchemy import select, text

from notify import ids, signing
from notify.model.names import Channel, World
from notify.model.receipt import SuppressionReason
from notify.store import bulk, tables
from notify.store.db import Tx
from notify.store.tables import suppression

Address = tuple[World, Channel, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """``masked``: the address as people may see it. ``message_id``: whose bounce or complaint it was."""

    id: UUID
    world: World
    channel: Channel
    masked: str
    reason: SuppressionReason
    detail: str | None
    message_id: UUID
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSuppression:
    """``address``: normalised; it is digested here and not stored."""

    address: Address
    masked: str
    reason: SuppressionReason
    detail: str | None
    message_id: UUID
    created_at: datetime


def add(tx: Tx, rows: Sequence[NewSuppression]) -> None:
    """Suppress; an address that is already suppressed keeps its first reason."""
    bulk.insert(
        tx,
        suppression,
        [
            {
                "id": ids.new(),
                "world": row.address[0],
                "channel": row.address[1],
                "address_mac": _bytea(macs(row.address)[0]),
                "masked": row.masked,
                "reason": row.reason,
                "detail": row.detail,
                "message_id": row.message_id,
                "created_at": row.created_at,
            }
            for row in rows
        ],
    )


def macs(address: Address) -> list[bytes]:
    """The digests of an address under every key in force, the one that is stored first."""
    return signing.macs("suppression", "\0".join(address).encode())


def _bytea(value: bytes) -> str:
    return "\\x" + value.hex()


_AMONG = text(f"""
    SELECT s.id, s.world, s.channel, s.masked, s.reason, s.detail, s.message_id, s.created_at, s.address_mac
    FROM {bulk.recordset(tables.suppression, ("address_mac", "channel", "world"))}
    JOIN suppression s USING (address_mac, channel, world)
""")


def among(tx: Tx, addresses: Iterable[Address]) -> dict[Address, Suppression]:
    """Which of these addresses are suppressed, and why."""
    wanted = {mac: address for address in addresses for mac in macs(address)}
    if not wanted:
        return {}
    rows = [
        {"address_mac": _bytea(mac), "channel": channel, "world": world}
        for mac, (world, channel, _) in wanted.items()
    ]
    found = tx.execute(_AMONG, {"rows": bulk.dumps(rows)})
    return {wanted[bytes(row.address_mac)]: _read(row) for row in found}


def find(
    tx: Tx, world: World, *, channel: Channel | None, address: str | None, before: UUID | None, limit: int
) -> list[Suppression]:
    """Suppressions of a world, newest first."""
    query = select(suppression).where(suppression.c.world == world)
    if channel is not None:
        query = query.where(suppression.c.channel == channel)
    if address is not None:
        known = [mac for one in Channel for mac in macs((world, one, address))]
        query = query.where(suppression.c.address_mac.in_(known))
    if before is not None:
        query = query.where(suppression.c.id < before)
    return [_read(row) for row in tx.execute(query.order_by(suppression.c.id.desc()).limit(limit))]


def lift(tx: Tx, world: World, id_: UUID) -> Suppression | None:
    """Send to the address again; None when there is no such suppression."""
    statement = sql_delete(suppression).where(suppression.c.world == world, suppression.c.id == id_)
    row = tx.execute(statement.returning(suppression)).one_or_none()
    return _read(row) if row else None


def _read(row: Any) -> Suppression:
    return Suppression(
        id=row.id,
        world=World(row.world),
        channel=Channel(row.channel),
        masked=row.masked,
        reason=SuppressionReason(row.reason),
        detail=row.detail,
        message_id=row.message_id,
        created_at=row.created_at,
    )
