"""Task arguments and results: ids travel as hex, results as a line for Flower."""

from collections.abc import Sequence
from uuid import UUID

from notify.model.work import Done


def uuids(ids: Sequence[str]) -> list[UUID]:
    return [UUID(hex=text) for text in ids]


def summary(done: Done) -> str:
    """The task's result, as Flower shows it."""
    return f"{done.claimed} messages"
