"""Elements to an SMS: plain text, links as URLs."""

from collections.abc import Mapping, Sequence
from typing import Any

from notify.content.plain import joined, pieces, title_of
from notify.errors import ContentError
from notify.model.document import Element
from notify.model.output import SmsOutput


def build(elements: Sequence[Element]) -> SmsOutput:
    """The elements one per line. A document that is only a title sends its title."""
    return SmsOutput(body=joined(pieces(elements), "\n") or title_of(elements))


def from_raw(raw: Mapping[str, Any]) -> SmsOutput:
    """An author's own ``{body}`` (or ``text``). Raises ContentError without one."""
    body = raw.get("body") or raw.get("text")
    if not isinstance(body, str):
        raise ContentError("raw content for sms needs a `body`")
    return SmsOutput(body=body)
