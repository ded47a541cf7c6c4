"""Retention as people run it by hand."""

from collections.abc import Sequence

from notify.pipeline import retention
from notify.pipeline.retention import Due


def due() -> Sequence[Due]:
    """What a pass would drop now, and what it would keep."""
    return retention.due()


def run() -> Sequence[Due]:
    """One pass."""
    return retention.run()
