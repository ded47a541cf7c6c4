"""One claimed delivery with all that is needed to send it."""

from dataclasses import dataclass

from notify.model.plan import Plan
from notify.model.work import Claim
from notify.store.contents import Content
from notify.store.deliveries import Delivery
from notify.store.messages import StoredMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    claim: Claim
    delivery: Delivery
    message: StoredMessage
    content: Content
    plan: Plan
