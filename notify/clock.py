"""The time, in one place, so that a test can move it. Always aware, always UTC."""

from datetime import UTC as UTC
from datetime import datetime


def now() -> datetime:
    """The current instant in UTC."""
    return datetime.now(UTC)


def to_ms(at: datetime | None) -> int | None:
    """Epoch milliseconds, the form of every time in a message answer."""
    return None if at is None else int(at.timestamp() * 1000)
