"""Whether this process traces, and through which tracer."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.trace import Span

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider


class NotInstalled(Exception):
    """Traces are asked for, and their packages are missing; the text says how to install them."""


@dataclass(frozen=True, slots=True)
class Running:
    provider: "TracerProvider"
    tracer: trace.Tracer

    def samples(self, trace_id: int) -> bool:
        """What the sampler would say to a trace that begins with this id."""
        decided = self.provider.sampler.should_sample(None, trace_id, "accept").decision
        return bool(decided.is_sampled())  # type: ignore[no-untyped-call]


_running: Running | None = None
_forced: ContextVar[tuple[int, int] | None] = ContextVar("forced", default=None)


def start(exporter: str) -> None:
    """Trace from now on in this process, to ``otlp`` or ``console``; a forked child starts anew.

    Raises:
        NotInstalled: ``notify[otel]`` is not.
    """
    global _running
    try:
        from notify.tracing.export import provider_of
    except ModuleNotFoundError as error:
        raise NotInstalled(f"Traces need {error.name}: pip install 'notify[otel]'.") from None
    provider = provider_of(exporter, _forced.get)
    _running = Running(provider, provider.get_tracer("notify"))


def stop() -> None:
    """Export what is waiting, and trace no more."""
    global _running
    if _running:
        _running.provider.shutdown()
    _running = None


def is_on() -> bool:
    return _running is not None


def now() -> Running | None:
    return _running


def here() -> Span:
    """The span under way in this task or thread; one that records nothing when there is none."""
    return trace.get_current_span()


@contextmanager
def ids(trace_id: int, span_id: int) -> Iterator[None]:
    """What is started inside gets these ids."""
    token = _forced.set((trace_id, span_id))
    try:
        yield
    finally:
        _forced.reset(token)
