"""What a provider is asked to send: the channel's output and the sender's overrides in, an ``Outgoing`` out.

Overrides come after rendering, so ``GET /messages/{id}/output`` never shows them.
"""

from dataclasses import replace
from functools import reduce

from notify.content.override import overridden
from notify.model import wire
from notify.model.call import Outgoing
from notify.pipeline.job import Job
from notify.recipients.resolve import deep_merge
from notify.routing.overrides import NOTHING, Target, overrides


def with_overrides(outgoing: Outgoing, job: Job, message: wire.SendMessage, alias: str | None) -> Outgoing:
    """``outgoing`` as the message overrides it. ``alias``: of the provider's configuration.

    Raises:
        ContentError: an override has a value of the wrong kind.
    """
    delivery = job.delivery
    target = Target(leaf=delivery.leaf, channel=delivery.channel, provider=delivery.provider, alias=alias)
    given = overrides(message, _template(job), target)
    if given == NOTHING:
        return outgoing
    output, words = overridden(outgoing.output, given.channel)
    return replace(outgoing, output=output, override=reduce(deep_merge, given.provider, words))


def _template(job: Job) -> wire.TemplateRouting | None:
    routing = job.content.routing
    return None if routing is None else wire.TemplateRouting.model_validate(routing)
