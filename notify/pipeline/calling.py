"""From a delivery to a provider's call, and from the provider's answer to an outcome."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any
from uuid import UUID

from notify import ids, log, settings
from notify.content import output
from notify.errors import ContentError, InvalidRequest
from notify.model import wire
from notify.model.call import Answer, Blame, Call, NoAnswer, Outcome, Outgoing, Permanent, Simulated
from notify.model.names import Mode, World
from notify.pipeline import answered, guarantee, tracking, unsubscribing
from notify.pipeline.care import Ready
from notify.pipeline.claims import DOUBTFUL, set_aside
from notify.pipeline.job import Job, Result
from notify.pipeline.options import BUILT_IN
from notify.pipeline.overriding import with_overrides
from notify.providers.base import Provider, ProviderSettings, RateLimit, load_settings
from notify.providers.registry import REGISTRY
from notify.recipients.resolve import merge_data, told_profile
from notify.store.providers import Configured
from notify.transport import Flight, Transport, TransportSettings

_log = log.get(__name__)


def prepare(
    jobs: Sequence[Job], configured: Mapping[World, Sequence[Configured]]
) -> tuple[list[Ready], list[tuple[Job, Result]]]:
    """The calls to make, and what is decided without one. A job in neither is left to its lease."""
    ready: list[Ready] = []
    decided: list[tuple[Job, Result]] = []
    for job in jobs:
        prepared = _prepare_safely(job, configured[job.message.world])
        if isinstance(prepared, Permanent | Simulated):
            decided.append((job, prepared))
        elif prepared is not None:
            limit = _limit_of(job, configured[job.message.world])
            ready.append(Ready(job=job, call=prepared, limit=limit))
    return ready, decided


def _prepare_safely(job: Job, configured: Sequence[Configured]) -> Call | Simulated | Permanent | None:
    if doubt := guarantee.doubted(job):
        return doubt
    if error := set_aside(job.claim):
        return Permanent(reason=f"{error} It may have been sent.", blame=Blame.CONTENT)
    if job.suppressed:
        return Permanent(reason=job.suppressed, blame=Blame.RECIPIENT)
    try:
        return _prepare(job, configured)
    except ContentError as error:
        return Permanent(reason=str(error), blame=Blame.CONTENT)
    except DOUBTFUL:
        _log.exception(
            "deliver.failed", message_id=ids.to_wire(job.message.id), provider=job.delivery.provider
        )
        return None
    except Exception as error:  # noqa: BLE001  # one message's oddity must not take its neighbours along
        _log.exception(
            "deliver.failed", message_id=ids.to_wire(job.message.id), provider=job.delivery.provider
        )
        return Permanent(
            reason=f"Preparing the call failed unexpectedly ({type(error).__name__}).", blame=Blame.CONTENT
        )


def _prepare(job: Job, configured: Sequence[Configured]) -> Call | Simulated | Permanent:
    provider = REGISTRY[job.delivery.provider]
    try:
        provider_settings = _settings_of(provider, job.delivery.provider_id, configured)
    except InvalidRequest as error:
        return Permanent(reason=f"Its configuration is wrong: {error}", blame=Blame.PROVIDER)
    if provider_settings is None:
        return Permanent(reason="Its configuration was deleted.", blame=Blame.PROVIDER)
    alias = next((entry.alias for entry in configured if entry.id == job.delivery.provider_id), None)
    call = provider.request(_outgoing(job, alias), provider_settings)
    return Simulated() if job.message.mode is Mode.MOCK else call


def _settings_of(
    provider: Provider[Any], id_: UUID, configured: Sequence[Configured]
) -> ProviderSettings | None:
    found = next((entry.settings for entry in configured if entry.id == id_), None)
    raw = {} if id_ == BUILT_IN else found
    loaded: ProviderSettings | None = None if raw is None else load_settings(provider, raw)
    return loaded


def _limit_of(job: Job, configured: Sequence[Configured]) -> RateLimit | None:
    entry = next((entry for entry in configured if entry.id == job.delivery.provider_id), None)
    raw = entry.settings.get("rate_limit") if entry else None
    return RateLimit.model_validate(raw) if raw else None


def _outgoing(job: Job, alias: str | None) -> Outgoing:
    message = job.message.message()
    delivery = job.delivery
    recipient = wire.recipients(message)[0]
    context = output.OutputContext(
        template=message.template,
        data=merge_data(message.data, recipient.entry.get("data")),
        profile=told_profile(job.content.profile, recipient.entry),
        rewrite=tracking.rewrite(job, message),
    )
    built = output.build(
        job.content.document, channel=delivery.channel, provider=delivery.provider, context=context
    )
    outgoing = Outgoing(
        message_id=ids.to_wire(job.message.id),
        idempotency_key=delivery.id.hex,
        output=built,
        profile=job.content.profile,
        callback_url=tracking.callback_url(delivery),
    )
    outgoing = with_overrides(outgoing, job, message, alias)
    shown = tracking.with_opens(unsubscribing.with_header(outgoing.output, job), job, message)
    return outgoing if shown is outgoing.output else replace(outgoing, output=shown)


def outcome(job: Job, call: Call, answer: Answer) -> Outcome:
    """What became of a delivery, by its provider's answer."""
    return replace(_outcome(job, answer), called=True, response=answered.copy(call, answer))


def _outcome(job: Job, answer: Answer) -> Outcome:
    if isinstance(answer, NoAnswer) and answer.forbidden:
        return Permanent(reason=answer.error, blame=Blame.RECIPIENT)
    return guarantee.doubtful(job, answer) or REGISTRY[job.delivery.provider].outcome(answer)


def flight() -> Flight[UUID]:
    """Calls of deliveries, by their ids."""
    return _transport(os.getpid()).flight()


def execute(calls: Sequence[tuple[UUID, Call]]) -> Iterator[list[tuple[UUID, Answer]]]:
    """Make calls that are no deliveries."""
    return _transport(os.getpid()).execute(calls)


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
