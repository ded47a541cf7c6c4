"""What the stages tell of themselves: counts for ``metrics``, steps and calls for ``tracing``.

In: claims, calls and results, a batch at a time. Out: nothing; what is observed never changes what is done.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from time import monotonic
from urllib.parse import urlsplit
from uuid import UUID

from opentelemetry.trace import INVALID_SPAN, Span, Status, StatusCode

from notify import clock, metrics, settings, tracing
from notify.model.call import (
    Accepted,
    Answer,
    Call,
    Held,
    HttpAnswer,
    HttpCall,
    KeepCall,
    NoAnswer,
    Permanent,
    Simulated,
    SmtpAnswer,
    SmtpCall,
    Transient,
    Watched,
)
from notify.model.names import Lane, World
from notify.model.work import Claim, Place, Stage
from notify.pipeline.job import Job, Result
from notify.store.messages import StatusChange
from notify.tracing import Step

_Real = HttpCall | SmtpCall | KeepCall
_OF_MESSAGES = frozenset({Stage.EXPAND, Stage.RENDER, Stage.ROUTE, Stage.DELIVER})
"""The stages whose work is a message's from the beginning."""


# --- what is new


def accepted(stored: Sequence[tuple[UUID, World, Span]], since_ns: int) -> None:
    """Sends were stored together, each with the id of its request and the span that it came from."""
    if stored:
        metrics.BATCH_SIZE.labels("accept", "", Lane.SINGLE).observe(len(stored))
    for world, number in Counter(world for _, world, _ in stored).items():
        metrics.ACCEPTED.labels(world).inc(number)
    if tracing.is_on():
        tracing.begun("accept", [(id_, cause) for id_, _, cause in stored], since_ns)


def expanded(request_id: UUID, messages: Iterable[UUID], since_ns: int) -> None:
    """A request became these messages."""
    if tracing.is_on():
        root = tracing.root_of(request_id)
        tracing.begun("accept", [(id_, root) for id_ in messages], since_ns)


def moved(changes: Iterable[StatusChange]) -> None:
    """These messages have a new status."""
    for (status, reason), number in Counter((c.status, c.reason) for c in changes).items():
        metrics.STATUSES.labels(status, reason or "").inc(number)


# --- claims and steps


def taken(place: Place, claims: Sequence[Claim]) -> None:
    """A claim was made; what it holds may have cost earlier processes their lives."""
    labels = _labels(place)
    metrics.BATCH_SIZE.labels(*labels).observe(len(claims))
    if lost := sum(claim.lost > 0 for claim in claims):
        metrics.LOST.labels(*labels).inc(lost)


def worked(claims: Sequence[Claim], since_ns: int) -> None:
    """A batch was worked on since then, and is done."""
    if claims and tracing.is_on() and claims[0].place.stage in _OF_MESSAGES:
        place = claims[0].place
        about: dict[str, str | int] = {"notify.lane": place.lane, "notify.batch": len(claims)}
        if place.channel:
            about["notify.channel"] = place.channel
        tracing.done([_step(claim) for claim in claims], since_ns, about)


def went_on(claims: Sequence[Claim], place: Place, since_ns: int) -> None:
    """Since then a batch was worked on as if it had been claimed at ``place``, too."""
    if claims:
        metrics.BATCH_SIZE.labels(*_labels(place)).observe(len(claims))
        worked([replace(claim, place=place) for claim in claims], since_ns)


def _step(claim: Claim) -> Step:
    return Step(message_id=claim.message_id, work_id=claim.id, stage=claim.place.stage, attempt=claim.attempt)


def _labels(place: Place) -> tuple[str, str, str]:
    return place.stage, place.channel or "", place.lane


# --- results


def decided(results: Iterable[tuple[Job, Result]], lane: Lane) -> None:
    """These results are recorded."""
    counts: Counter[tuple[str, ...]] = Counter()
    for job, result in results:
        delivery = job.delivery
        counts[job.message.world, delivery.channel, delivery.provider, lane, _name(result)] += 1
        if isinstance(result, Accepted):
            took = (clock.now() - job.message.enqueued_at).total_seconds()
            metrics.SEND_SECONDS.labels(delivery.channel, lane).observe(max(0.0, took))
    for labels, number in counts.items():
        metrics.OUTCOMES.labels(*labels).inc(number)


def _name(result: Result) -> str:
    match result:
        case Accepted():
            return "accepted"
        case Simulated():
            return "simulated"
        case Transient(busy=busy):
            return "busy" if busy else "transient"
        case Permanent(blame=blame):
            return f"permanent_{blame}"
        case Held(wait=wait):
            return f"held_{wait}"


# --- calls


def watched(call: Call, job: Job) -> Call:
    """The same call; its duration is counted, and it is a span of its delivery's."""
    if isinstance(call, Watched):
        return call
    watch = _Watch(job)
    return Watched(call=call, begins=watch.begins, ends=watch.ends)


class _Watch:
    """One call's."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._since = 0.0
        self._span: Span = INVALID_SPAN

    def begins(self, call: _Real) -> _Real:
        delivery = self._job.delivery
        if tracing.is_on():
            about = {"notify.provider": delivery.provider, "notify.channel": str(delivery.channel)}
            name = f"call {delivery.provider}"
            self._span = tracing.call(_step(self._job.claim), name, {**about, **_where(call)})
            call = self._told(call)
        self._since = monotonic()
        return call

    def _told(self, call: _Real) -> _Real:
        if isinstance(call, HttpCall) and settings.load().trace_providers:
            return replace(call, headers={**call.headers, **tracing.headers_of(self._span)})
        return call

    def ends(self, answer: Answer | None) -> None:
        claim, delivery = self._job.claim, self._job.delivery
        seconds = metrics.CALL_SECONDS.labels(delivery.channel, delivery.provider, claim.place.lane)
        seconds.observe(monotonic() - self._since)
        _tell(self._span, answer)
        self._span.end()


def _where(call: Call) -> dict[str, str]:
    match call:
        case HttpCall(untrusted=True):  # the host is what a message said
            return {"http.request.method": call.method}
        case HttpCall():
            return {"http.request.method": call.method, "server.address": urlsplit(call.url).hostname or ""}
        case SmtpCall():
            return {"server.address": call.server.host}
    return {}


def _tell(span: Span, answer: Answer | None) -> None:
    match answer:
        case HttpAnswer(status=status):
            span.set_attribute("http.response.status_code", status)
        case SmtpAnswer(code=status):
            span.set_attribute("smtp.response.code", status)
        case NoAnswer(error=error):
            span.set_status(Status(StatusCode.ERROR, error))
        case None:
            span.set_status(Status(StatusCode.ERROR, "broken off"))
    if isinstance(answer, HttpAnswer | SmtpAnswer) and status >= 400:
        span.set_status(Status(StatusCode.ERROR, str(status)))
