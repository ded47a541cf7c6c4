"""Spans in traces of their own: requests and batches."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from notify.tracing import running

Attributes = Mapping[str, str | int | float]


@contextmanager
def request(name: str, headers: Mapping[str, str], attributes: Attributes) -> Iterator[Span]:
    """A request's span, in the trace of its caller if the headers name one."""
    if not running.is_on():
        yield trace.INVALID_SPAN
        return
    with _entered(name, propagate.extract(headers), SpanKind.SERVER, attributes) as span:
        yield span


@contextmanager
def batch(name: str, attributes: Attributes) -> Iterator[None]:
    """A task's span; the messages it works on are linked to it, and it to them."""
    if not running.is_on():
        yield
        return
    with _entered(name, Context(), SpanKind.CONSUMER, attributes):
        yield


@contextmanager
def _entered(name: str, context: Context, kind: SpanKind, attributes: Attributes) -> Iterator[Span]:
    tracing = running.now()
    assert tracing
    span = tracing.tracer.start_span(name, context, kind, dict(attributes))
    try:
        # What an exception says may hold an address, so its type has to do.
        with trace.use_span(span, record_exception=False, set_status_on_exception=False):
            yield span
    except BaseException as error:
        span.set_status(Status(StatusCode.ERROR, type(error).__name__))
        raise
    finally:
        span.end()
