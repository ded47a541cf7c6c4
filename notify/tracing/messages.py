"""Spans in messages' own traces, whose ids follow from the messages'.

A trace begins with the span of its acceptance; each stage's span is its child, a provider's call that of its
deliver stage. Each names its parent by calculation, so none has to know of another process's spans.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from uuid import UUID

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind
from opentelemetry.trace.span import TraceFlags

from notify.tracing import running
from notify.tracing.running import Running
from notify.tracing.spans import Attributes

_LOW = (1 << 64) - 1
_MAX_LINKS = 128
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One try of one piece of a message's work: a span whose id anybody can tell."""

    message_id: UUID
    work_id: UUID
    stage: str
    attempt: int


def trace_id_of(message_id: UUID) -> int:
    """A message's trace id: its own, but for two constant bits moved to where samplers do not look."""
    low = message_id.int & _LOW
    return (message_id.int & ~_LOW) | (low << 2 & _LOW) | low >> 62


def begun(stage: str, messages: Iterable[tuple[UUID, Span]], since_ns: int) -> None:
    """The first span of each message's trace, linked with the span that caused it."""
    tracing = running.now()
    if tracing is None:
        return
    for message_id, cause in messages:
        if root := _root(tracing, message_id):
            if _is_known(cause):
                cause.add_link(root)
            with running.ids(root.trace_id, root.span_id):
                span = tracing.tracer.start_span(
                    stage, Context(), SpanKind.PRODUCER, _about(message_id), _links(cause), since_ns
                )
            span.end()


def root_of(message_id: UUID) -> Span:
    """The first span of a message's trace, to link to."""
    tracing = running.now()
    root = _root(tracing, message_id) if tracing else None
    return NonRecordingSpan(root) if root else trace.INVALID_SPAN


def done(steps: Sequence[Step], since_ns: int, attributes: Attributes) -> None:
    """The spans of steps that a batch took together since ``since_ns``; they end now."""
    tracing = running.now()
    if tracing is None:
        return
    cause = running.here()
    linked = 0
    for step in steps:
        if root := _root(tracing, step.message_id):
            span = _step(tracing, step, root, _links(cause), since_ns, attributes)
            if _is_known(cause) and linked < _MAX_LINKS:
                cause.add_link(span.get_span_context())
                linked += 1
            span.end()


def call(step: Step, name: str, attributes: Attributes) -> Span:
    """A provider's call as part of a step; the caller ends it."""
    tracing = running.now()
    root = _root(tracing, step.message_id) if tracing else None
    if tracing is None or root is None:
        return trace.INVALID_SPAN
    parent = SpanContext(root.trace_id, _span_id(step), is_remote=True, trace_flags=_SAMPLED)
    return tracing.tracer.start_span(name, _within(parent), SpanKind.CLIENT, dict(attributes))


def headers_of(span: Span) -> dict[str, str]:
    """What tells the other side of a call about the span it is part of."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier, trace.set_span_in_context(span, Context()))
    return carrier


def _step(
    tracing: Running,
    step: Step,
    root: SpanContext,
    links: list[Link],
    since_ns: int,
    attributes: Attributes,
) -> Span:
    about = {**_about(step.message_id), "notify.attempt": step.attempt, **attributes}
    with running.ids(root.trace_id, _span_id(step)):
        return tracing.tracer.start_span(step.stage, _within(root), SpanKind.INTERNAL, about, links, since_ns)


def _root(tracing: Running, message_id: UUID) -> SpanContext | None:
    """The message's first span; None where the sampler leaves its trace out, which it decides by the id."""
    trace_id = trace_id_of(message_id)
    if not tracing.samples(trace_id):
        return None
    return SpanContext(trace_id, _digest(message_id.bytes), is_remote=True, trace_flags=_SAMPLED)


def _span_id(step: Step) -> int:
    return _digest(step.work_id.bytes + f"{step.stage}.{step.attempt}".encode())


def _digest(data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=8).digest()) or 1


def _about(message_id: UUID) -> dict[str, str | int | float]:
    return {"notify.message_id": f"1-{message_id.hex[:8]}-{message_id.hex[8:]}"}


def _links(cause: Span) -> list[Link]:
    return [Link(cause.get_span_context())] if _is_known(cause) else []


def _is_known(span: Span) -> bool:
    return span.get_span_context().is_valid


def _within(parent: SpanContext) -> Context:
    return trace.set_span_in_context(NonRecordingSpan(parent), Context())
