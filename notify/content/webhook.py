"""Elements to the JSON a webhook posts: who it was for, with what data, and what it says."""

from collections.abc import Mapping, Sequence
from typing import Any

from notify.content.plain import joined, pieces, title_of
from notify.errors import ContentError
from notify.model.document import Element
from notify.model.output import WebhookOutput


def build(
    elements: Sequence[Element], template: str | None, profile: Mapping[str, Any], data: Mapping[str, Any]
) -> WebhookOutput:
    """``{"message": {template, to, data, content: {title, body}}}``."""
    title, body = title_of(elements), joined(pieces(elements), "\n")
    content = {"title": title, "body": body}
    message = {"template": template, "to": dict(profile), "data": dict(data), "content": content}
    return WebhookOutput(payload={"message": message}, title=title, body=body)


def from_raw(raw: Mapping[str, Any]) -> WebhookOutput:
    """An author's own ``{payload: {body}}``. Raises ContentError when that is no object."""
    payload = raw.get("payload")
    body = payload.get("body") if isinstance(payload, Mapping) else None
    if not isinstance(body, Mapping):
        raise ContentError("raw content for a webhook needs `payload.body`, an object")
    return WebhookOutput(payload=dict(body))
