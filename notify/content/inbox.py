"""Elements to an inbox or banner message: title, Markdown body, buttons."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from notify.content.plain import joined, quoted, title_of
from notify.content.styled import markdown
from notify.content.urls import destination
from notify.errors import ContentError
from notify.model.document import Action, Element, Image, Quote, Text
from notify.model.output import Button, InboxOutput


def build(elements: Sequence[Element]) -> InboxOutput:
    """Texts, quotes and images are the body; every action is a button."""
    return InboxOutput(
        title=title_of(elements), body=joined(_body(elements), "\n\n"), actions=tuple(_buttons(elements))
    )


def _body(elements: Sequence[Element]) -> Iterator[str]:
    for element in elements:
        match element:
            case Text():
                yield markdown(element)
            case Quote():
                yield quoted(element.content.strip())
            case Image():
                alt = (element.alt_text or "").replace("[", "\\[").replace("]", "\\]")
                picture = f"![{alt}]({destination(element.src)})"
                yield f"[{picture}]({destination(element.href)})" if element.href else picture


def _buttons(elements: Sequence[Element]) -> Iterator[Button]:
    for element in elements:
        if isinstance(element, Action) and element.href:
            yield Button(label=element.content, url=element.href, style=element.style)


def from_raw(raw: Mapping[str, Any]) -> InboxOutput:
    """An author's own ``{title?, body?}``. Raises ContentError if both are missing."""
    title, body = raw.get("title") or "", raw.get("body") or ""
    if not (title or body):
        raise ContentError("raw content for the inbox needs a `title` or a `body`")
    return InboxOutput(title=str(title), body=str(body))
