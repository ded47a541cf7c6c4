"""What a delivery says, as it is shown to people: made from the document by the functions that send it."""

from notify.content import output
from notify.model import wire
from notify.model.output import Rendered
from notify.pipeline import tracking
from notify.recipients.resolve import merge_data, told_profile
from notify.store.contents import Content
from notify.store.deliveries import Delivery
from notify.store.messages import StoredMessage


def said(stored: StoredMessage, content: Content, delivery: Delivery) -> Rendered:
    """The rendered output, without overrides.

    Raises:
        ContentError: the content has nothing for this channel and provider.
    """
    message = stored.message()
    recipient = wire.recipients(message)[0]
    context = output.OutputContext(
        template=message.template,
        data=merge_data(message.data, recipient.entry.get("data")),
        profile=told_profile(content.profile, recipient.entry),
        # As it was sent, but for what would count a look at it as a click.
        rewrite=tracking.with_utm(message, delivery),
    )
    built = output.build(
        content.document, channel=delivery.channel, provider=delivery.provider, context=context
    )
    return built.rendered()
