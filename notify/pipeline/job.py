"""One claimed delivery with all that is needed to send it, and what became of it."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from uuid import UUID

from notify.model.call import Held, Outcome
from notify.model.names import Lane
from notify.model.plan import Leaf, Plan
from notify.model.work import Claim
from notify.routing.leaves import leaves_of
from notify.store.contents import Content
from notify.store.deliveries import Delivery
from notify.store.messages import StoredMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """``suppressed``: why nothing may go to its address, if that has become so since it was routed."""

    claim: Claim
    delivery: Delivery
    message: StoredMessage
    content: Content
    plan: Plan
    suppressed: str | None = None

    @property
    def leaf(self) -> Leaf:
        """The leaf of the plan that the delivery belongs to."""
        return next(leaf for leaf in leaves_of(self.plan.root) if leaf.key == self.delivery.leaf)


Result = Outcome | Held


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What has come in together, of one lane. ``open``: whose circuits are; ``closed``: whose have closed
    just now.
    """

    of: Sequence[tuple[Job, Result]]
    lane: Lane
    open: Set[UUID] = frozenset()
    closed: Set[UUID] = frozenset()
