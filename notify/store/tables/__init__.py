"""The tables. Migrations make them; this is what queries are written against.

Records (``request``, ``message`` and what hangs on a message) are range-partitioned by the message's
UUIDv7, so everything about one message lies in one partition and old partitions are simply dropped.
``work`` is narrow and unpartitioned: its size follows what is unfinished, never the history.
"""

from notify.store.tables.columns import METADATA
from notify.store.tables.configuration import (
    api_key,
    idempotency,
    profile,
    provider,
    send_count,
    send_limit,
    send_limit_exempt,
    send_limit_notice,
    template,
    template_version,
    topic_limit,
    webhook_destination,
)
from notify.store.tables.content import (
    brand,
    inbound_event,
    routing_strategy,
    template_submission,
    tenant_template,
    tenant_template_version,
    translation,
)
from notify.store.tables.operations import audit_event, config_version, heartbeat, pause, refusal
from notify.store.tables.outbound import webhook_attempt, webhook_delivery
from notify.store.tables.preferences import (
    preference_log,
    preference_page,
    preference_section,
    preference_topic,
    user_preference,
)
from notify.store.tables.recipients import (
    audience,
    bulk_job,
    bulk_user,
    list_subscription,
    recipient_list,
    tenant,
    tenant_member,
    tenant_preference,
    user_token,
)
from notify.store.tables.records import (
    delivery,
    message,
    message_content,
    message_event,
    message_plan,
    request,
)
from notify.store.tables.reports import receipt, suppression
from notify.store.tables.unfinished import work

PARTITIONED = (
    request, message, message_content, message_plan, delivery, message_event, webhook_delivery,
    webhook_attempt,
)  # fmt: skip

__all__ = [
    "METADATA",
    "PARTITIONED",
    "api_key",
    "audience",
    "audit_event",
    "brand",
    "bulk_job",
    "bulk_user",
    "config_version",
    "delivery",
    "heartbeat",
    "idempotency",
    "inbound_event",
    "list_subscription",
    "message",
    "message_content",
    "message_event",
    "message_plan",
    "pause",
    "preference_log",
    "preference_page",
    "preference_section",
    "preference_topic",
    "profile",
    "provider",
    "receipt",
    "recipient_list",
    "refusal",
    "request",
    "routing_strategy",
    "send_count",
    "send_limit",
    "send_limit_exempt",
    "send_limit_notice",
    "suppression",
    "template",
    "template_submission",
    "template_version",
    "tenant",
    "tenant_member",
    "tenant_preference",
    "tenant_template",
    "tenant_template_version",
    "topic_limit",
    "translation",
    "user_preference",
    "user_token",
    "webhook_attempt",
    "webhook_delivery",
    "webhook_destination",
    "work",
]
