"""The header by which mail programs offer to unsubscribe with one click (RFC 2369, RFC 8058)."""

from collections.abc import Mapping
from dataclasses import replace

from notify.model.output import EmailOutput, Output
from notify.pipeline import preference_links
from notify.pipeline.job import Job

_HEADER = "List-Unsubscribe"


def with_header(output: Output, job: Job) -> Output:
    """An email of a topic that offers it; a sender who writes the header themselves knows better."""
    topic_id = job.plan.may_leave
    if topic_id is None or not isinstance(output, EmailOutput):
        return output
    url, given = preference_links.unsubscribe(job.message, topic_id), output.envelope.get("headers") or {}
    # What is no object of texts is the adapter's to refuse.
    if not url or not isinstance(given, Mapping) or _HEADER.lower() in {str(name).lower() for name in given}:
        return output
    headers = {**given, _HEADER: f"<{url}>", f"{_HEADER}-Post": "List-Unsubscribe=One-Click"}
    return replace(output, envelope={**output.envelope, "headers": headers})
