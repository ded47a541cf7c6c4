"""From a delivery to a provider's call, and from the provider's answer to an outcome."""

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from notify import ids, log, settings
from notify.content import output
from notify.errors import ContentError, InvalidRequest
from notify.model import wire
from notify.model.call import Answer, Blame, Call, NoAnswer, Outcome, Outgoing, Permanent
from notify.model.names import World
from notify.pipeline.claims import set_aside
from notify.pipeline.job import Job
from notify.pipeline.options import BUILT_IN
from notify.providers.base import Provider, ProviderSettings, load_settings
from notify.providers.registry import REGISTRY
from notify.recipients.resolve import merge_data
from notify.store.providers import Configured
from notify.transport import Transport, TransportSettings

Outcomes = list[tuple[Job, Outcome]]
_log = log.get(__name__)


def send(jobs: Sequence[Job], configured: Mapping[World, Sequence[Configured]]) -> Iterator[Outcomes]:
    """Send every job; yields groups of outcomes as they come in."""
    by_id = {job.delivery.id: job for job in jobs}
    calls: list[tuple[UUID, Call]] = []
    decided: Outcomes = []
    for job in jobs:
        prepared = _prepare_safely(job, configured[job.message.world])
        if isinstance(prepared, Permanent):
            decided.append((job, prepared))
        else:
            calls.append((job.delivery.id, prepared))
    if decided:
        yield decided
    if calls:
        for group in _transport(os.getpid()).execute(calls):
            yield [(by_id[id_], _outcome(by_id[id_], answer)) for id_, answer in group]


def _prepare_safely(job: Job, configured: Sequence[Configured]) -> Call | Permanent:
    if error := set_aside(job.claim):
        return Permanent(reason=error, blame=Blame.CONTENT)
    try:
        return _prepare(job, configured)
    except ContentError as error:
        return Permanent(reason=str(error), blame=Blame.CONTENT)
    except Exception as error:  # noqa: BLE001  # one message's oddity must not take its neighbours along
        _log.exception(
            "deliver.failed", message_id=ids.to_wire(job.message.id), provider=job.delivery.provider
        )
        return Permanent(
            reason=f"Preparing the call failed unexpectedly ({type(error).__name__}).", blame=Blame.CONTENT
        )


def _prepare(job: Job, configured: Sequence[Configured]) -> Call | Permanent:
    provider = REGISTRY[job.delivery.provider]
    try:
        provider_settings = _settings_of(provider, job.delivery.provider_id, configured)
    except InvalidRequest as error:
        return Permanent(reason=f"Its configuration is wrong: {error}", blame=Blame.PROVIDER)
    if provider_settings is None:
        return Permanent(reason="Its configuration was deleted.", blame=Blame.PROVIDER)
    return provider.request(_outgoing(job), provider_settings)


def _settings_of(
    provider: Provider[Any], id_: UUID, configured: Sequence[Configured]
) -> ProviderSettings | None:
    found = next((entry.settings for entry in configured if entry.id == id_), None)
    raw = {} if id_ == BUILT_IN else found
    loaded: ProviderSettings | None = None if raw is None else load_settings(provider, raw)
    return loaded


def _outgoing(job: Job) -> Outgoing:
    message = wire.SendMessage.model_validate(job.message.body)
    delivery = job.delivery
    recipient = wire.recipients(message)[0]
    context = output.OutputContext(
        template=message.template,
        data=merge_data(message.data, recipient.entry.get("data")),
        profile=job.content.profile,
    )
    built = output.build(
        job.content.document, channel=delivery.channel, provider=delivery.provider, context=context
    )
    override = (message.providers or {}).get(delivery.provider)
    return Outgoing(
        message_id=ids.to_wire(job.message.id),
        idempotency_key=delivery.id.hex,
        output=built,
        profile=job.content.profile,
        override=(override.override if override else None) or {},
    )


def _outcome(job: Job, answer: Answer) -> Outcome:
    if isinstance(answer, NoAnswer) and answer.forbidden:
        return Permanent(reason=answer.error, blame=Blame.RECIPIENT)
    return REGISTRY[job.delivery.provider].outcome(answer)


@lru_cache(maxsize=1)
def _transport(_pid: int) -> Transport:
    """The process's transport; a forked worker makes its own."""
    config = settings.load()
    return Transport(
        TransportSettings(
            connect_timeout_s=config.http_connect_timeout_s,
            timeout_s=config.http_timeout_s,
            max_answer_bytes=config.http_max_answer_bytes,
            concurrency=config.http_concurrency,
            smtp_connections=config.smtp_connections,
            allowed_networks=config.allowed_networks,
        )
    )
