"""From a delivery to a provider's call, and from the provider's answer to an outcome."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any
from uuid import UUID

from notify import faults, ids, log, settings
from notify.content import output
from notify.errors import ContentError, InvalidRequest
from notify.model import wire
from notify.model.call import Answer, Blame, Call, NoAnswer, Outcome, Outgoing, Permanent, Simulated
from notify.model.names import Lane, Mode, World
from notify.pipeline import answered, guarantee, observing, tracking, unsubscribing
from notify.pipeline.care import Care, Ready
from notify.pipeline.claims import DOUBTFUL, set_aside
from notify.pipeline.job import Job, Result, Results
from notify.pipeline.options import BUILT_IN
from notify.pipeline.overriding import with_overrides
from notify.providers.base import Provider, ProviderSettings, RateLimit, load_settings
from notify.providers.registry import REGISTRY
from notify.recipients.resolve import merge_data, told_profile
from notify.store.providers import Configured
from notify.transport import Transport, TransportSettings

_log = log.get(__name__)


def send(
    jobs: Sequence[Job], configured: Mapping[World, Sequence[Configured]], lane: Lane
) -> Iterator[Results]:
    """Send every job whose provider may be called now; yields groups of results as they come in."""
    ready: list[Ready] = []
    decided: list[tuple[Job, Result]] = []
    for job in jobs:
        prepared = _prepare_safely(job, configured[job.message.world])
        if isinstance(prepared, Permanent | Simulated):
            decided.append((job, prepared))
        elif prepared is not None:
            limit = _limit_of(job, configured[job.message.world])
            ready.append(Ready(job=job, call=prepared, limit=limit))
    care = Care(lane)
    starts, held = care.admit(ready)
    if decided or held:
        yield Results(of=[*decided, *held], open=care.open)
    yield from _called([one for one in ready if one.job.delivery.id in starts], starts, care)


def _called(ready: Sequence[Ready], starts: Mapping[UUID, float], care: Care) -> Iterator[Results]:
    jobs = {one.job.delivery.id: one.job for one in ready}
    calls = {one.job.delivery.id: one.call for one in ready}
    watched = [(id_, observing.watched(call, jobs[id_])) for id_, call in calls.items()]
    for group in _transport(os.getpid()).execute(watched, starts, guarantee.gate(jobs)):
        faults.hit("deliver.called")
        results = [(jobs[id_], _told(jobs[id_], calls[id_], answer)) for id_, answer in group]
        care.learn(results)
        yield Results(of=results, open=care.open, closed=care.closed)


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
    message = wire.SendMessage.model_validate(job.message.body)
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
    outgoing = replace(outgoing, output=unsubscribing.with_header(outgoing.output, job))
    return replace(outgoing, output=tracking.with_opens(outgoing.output, job, message))


def _told(job: Job, call: Call, answer: Answer) -> Outcome:
    return replace(_outcome(job, answer), called=True, response=answered.copy(call, answer))


def _outcome(job: Job, answer: Answer) -> Outcome:
    if isinstance(answer, NoAnswer) and answer.forbidden:
        return Permanent(reason=answer.error, blame=Blame.RECIPIENT)
    return guarantee.doubtful(job, answer) or REGISTRY[job.delivery.provider].outcome(answer)


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
