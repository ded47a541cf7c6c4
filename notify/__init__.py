"""Notify: a self-hosted notification delivery pipeline.

For producers: ``notify.enqueue`` sends inside the transaction of the caller; see ``docs/producers.md``.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from notify.producers import enqueue, outbox_table

__all__ = ["enqueue", "outbox_table"]


def __getattr__(name: str) -> Any:
    # At first use: ``import notify`` alone brings in nothing.
    if name in __all__:
        from notify import producers

        return getattr(producers, name)
    raise AttributeError(f"module 'notify' has no attribute {name!r}")
