"""Traces by OpenTelemetry: off until ``start``, and then free. Exporter and sampling by ``OTEL_*`` variables.

A message's trace id follows from its id, and so do the ids of its stages' spans. Hence nothing has to be
stored or sent along: whichever process works on a message, whenever and in whatever batch, puts its span into
the message's own trace. Requests and batches have traces of their own; links lead across.
"""

from notify.tracing.messages import Step, begun, call, done, headers_of, root_of, trace_id_of
from notify.tracing.running import NotInstalled, here, is_on, start, stop
from notify.tracing.spans import batch, request

__all__ = [
    "NotInstalled",
    "Step",
    "batch",
    "begun",
    "call",
    "done",
    "headers_of",
    "here",
    "is_on",
    "request",
    "root_of",
    "start",
    "stop",
    "trace_id_of",
]
