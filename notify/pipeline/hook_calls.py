"""One event as an HTTP call, signed by both schemes, and what a destination's answer means."""

import hmac
import os
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from standardwebhooks import Webhook

from notify import settings
from notify.clock import to_ms
from notify.model.call import Accepted, Answer, HttpAnswer, HttpCall, Outcome
from notify.providers import answers
from notify.store.webhooks import Destination, Secret
from notify.transport import Transport, TransportSettings

PREFIX = "whsec_"
_AGENT = "Notify-Webhooks/1"


def call(destination: Destination, delivery_id: UUID, body: str, now: datetime) -> HttpCall:
    """The request that tells ``destination``; every try is signed anew."""
    secret = destination.secret()
    signed = signatures(secret, delivery_id, body, now) if secret else {}
    named = {
        "content-type": "application/json",
        "user-agent": _AGENT,
        "webhook-id": str(delivery_id),
        "webhook-timestamp": str(int(now.timestamp())),
    }
    return HttpCall(
        method="POST", url=destination.url, headers={**named, **signed}, body=body.encode(), untrusted=True
    )


def signatures(secret: Secret, delivery_id: UUID, body: str, now: datetime) -> dict[str, str]:
    """The reference's header, by the secret in force; and Standard Webhooks', by a replaced one as well."""
    at = to_ms(now)
    mac = hmac.new(secret.current.encode(), f"{at}.{body}".encode(), "sha256").hexdigest()
    standard = (Webhook(key(each)).sign(str(delivery_id), now, body) for each in secret.in_force(now))
    return {"courier-signature": f"t={at},signature={mac}", "webhook-signature": " ".join(standard)}


def key(secret: str) -> str | bytes:
    """What Standard Webhooks signs with: a ``whsec_`` secret's decoded part, else the secret's own bytes."""
    return secret if secret.startswith(PREFIX) else secret.encode()


def outcome(answer: Answer) -> Outcome:
    """Any 2xx is success; 408, 429, 5xx and silence are worth another try; nothing else is."""
    if answers.succeeded(answer):
        return Accepted()
    if isinstance(answer, HttpAnswer):
        return answers.failed(answer, answer.body[:1000].decode(errors="replace"))
    return answers.unanswered(answer)


def status_of(answer: Answer) -> int | None:
    """The status of an answer, if one came."""
    return answer.status if isinstance(answer, HttpAnswer) else None


def transport() -> Transport:
    """The process's transport to destinations; a forked worker makes its own."""
    return _transport(os.getpid())


@lru_cache(maxsize=1)
def _transport(_pid: int) -> Transport:
    config = settings.load()
    return Transport(
        TransportSettings(
            connect_timeout_s=min(config.http_connect_timeout_s, config.webhook_timeout_s),
            timeout_s=config.webhook_timeout_s,
            max_answer_bytes=config.http_max_answer_bytes,
            concurrency=config.http_concurrency,
            allowed_networks=config.allowed_networks,
        )
    )
