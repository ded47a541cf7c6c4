"""The OpenTelemetry SDK: where spans go and which ids they get. Imported only where traces are on."""

from collections.abc import Callable

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

Forced = Callable[[], tuple[int, int] | None]
"""The trace and span id of the span that is being started, where they are not random."""


class _Ids(RandomIdGenerator):
    def __init__(self, forced: Forced) -> None:
        self._forced = forced

    def generate_trace_id(self) -> int:
        forced = self._forced()
        return forced[0] if forced else super().generate_trace_id()

    def generate_span_id(self) -> int:
        forced = self._forced()
        return forced[1] if forced else super().generate_span_id()


def provider_of(exporter: str, forced: Forced) -> TracerProvider:
    """A provider that exports in the background; sampler, limits and endpoint are those of ``OTEL_*``."""
    named = OTELResourceDetector().detect().attributes
    service = {} if SERVICE_NAME in named else {SERVICE_NAME: "notify"}
    provider = TracerProvider(resource=Resource.create(service), id_generator=_Ids(forced))
    to: SpanExporter = ConsoleSpanExporter() if exporter == "console" else OTLPSpanExporter()
    provider.add_span_processor(BatchSpanProcessor(to))
    return provider
