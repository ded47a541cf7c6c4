"""Elements to a push notification: title, body, and what a tap opens."""

from collections.abc import Mapping, Sequence
from typing import Any

from notify.content.plain import joined, prose, title_of
from notify.errors import ContentError
from notify.model.document import Action, Element, Image
from notify.model.output import PushOutput


def build(elements: Sequence[Element]) -> PushOutput:
    """Texts and quotes are the body; the first action's link and the first image go along."""
    actions = (item.href for item in elements if isinstance(item, Action) and item.href)
    images = (item.src for item in elements if isinstance(item, Image))
    return PushOutput(
        title=title_of(elements),
        body=joined(prose(elements), "\n"),
        click_url=next(actions, None),
        image_url=next(images, None),
    )


def from_raw(raw: Mapping[str, Any]) -> PushOutput:
    """An author's own ``{title?, body?, click_url?, image_url?}``. ContentError without words."""
    title, body = raw.get("title") or "", raw.get("body") or ""
    if not (title or body):
        raise ContentError("raw content for push needs a `title` or a `body`")
    click, image = raw.get("click_url"), raw.get("image_url")
    return PushOutput(
        title=str(title),
        body=str(body),
        click_url=str(click) if click else None,
        image_url=str(image) if image else None,
    )
