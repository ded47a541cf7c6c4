"""Ids: UUIDv7 inside, ``1-<8 hex>-<24 hex>`` on the wire, as the reference API writes message ids."""

import re
from datetime import UTC, datetime
from hashlib import blake2b
from uuid import UUID

from uuid_utils.compat import uuid7

_WIRE = re.compile(r"^1-([0-9a-f]{8})-([0-9a-f]{24})$")
_RANDOM_BITS = 80
_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62
_KEEP = ~((0xF << 76) | (0b11 << 62)) & ((1 << _RANDOM_BITS) - 1)


def new() -> UUID:
    """A fresh UUIDv7: ids made later sort later."""
    return uuid7()


def child(parent: UUID, name: str) -> UUID:
    """The id of a part of ``parent``, always the same for the same name.

    It keeps the parent's timestamp, so both live in one partition, and a stage that runs twice
    writes the same row twice instead of two rows.
    """
    digest = int.from_bytes(blake2b(parent.bytes + name.encode(), digest_size=10).digest(), "big")
    timestamp = parent.int >> _RANDOM_BITS << _RANDOM_BITS
    return UUID(int=timestamp | _VERSION_7 | _VARIANT | (digest & _KEEP))


def earliest(at: datetime) -> UUID:
    """No id made at ``at`` or later sorts before this."""
    return UUID(int=max(0, int(at.timestamp() * 1000)) << _RANDOM_BITS)


def made_at(value: UUID) -> datetime:
    """When an id of ours was made, UTC, to the millisecond."""
    return datetime.fromtimestamp((value.int >> _RANDOM_BITS) / 1000, UTC)


def to_wire(value: UUID) -> str:
    """``1-5e2b2615-05efbb3acab9172f88dd3f6f`` for a UUID."""
    return f"1-{value.hex[:8]}-{value.hex[8:]}"


def from_wire(text: str) -> UUID | None:
    """The UUID of a wire id, or None when ``text`` is not one."""
    match = _WIRE.match(text)
    return UUID(hex=match[1] + match[2]) if match else None
