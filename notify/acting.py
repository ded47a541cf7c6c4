"""Who is acting: set once where a person or a key comes in, read where a change is audited."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """``id``: a key's id, or the user's name. ``name``: for people. ``source``: api, cli or system."""

    id: str
    name: str
    source: str


SYSTEM = Actor(id="notify", name="notify", source="system")
_actor: ContextVar[Actor] = ContextVar("actor", default=SYSTEM)


def who() -> Actor:
    """Whoever is acting here and now; ``SYSTEM`` unless somebody has said so."""
    return _actor.get()


def become(actor: Actor) -> None:
    """All that follows in this context is done by ``actor``."""
    _actor.set(actor)


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """What happens inside the block is done by ``actor``."""
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)
