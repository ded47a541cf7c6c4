"""Elements to a chat message: blocks in a neutral form, from which each chat provider makes its own."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from notify.content.markdown import to_plain
from notify.content.plain import joined, pieces, title_of
from notify.content.styled import markdown
from notify.model.document import Action, Divider, Element, Image, Meta, Quote, Text
from notify.model.output import ChatOutput

Block = dict[str, str]


def build(elements: Sequence[Element]) -> ChatOutput:
    """``text`` is the whole message in plain words, for where blocks cannot be shown."""
    blocks = tuple(block for element in elements for block in _block(element))
    return ChatOutput(title=title_of(elements), text=joined(pieces(elements), "\n"), blocks=blocks)


def _block(element: Element) -> Iterator[Block]:
    match element:
        case Meta() if element.title:
            yield {"type": "header", "text": element.title}
        case Text() if element.content.strip():
            yield _text(element)
        case Quote() if element.content.strip():
            yield {"type": "quote", "text": element.content.strip()}
        case Divider():
            yield {"type": "divider", "text": ""}
        case Image():
            yield {"type": "image", "text": element.alt_text or "", "url": element.src}
        case Action() if element.href:
            yield {"type": "action", "text": element.content, "url": element.href, "style": element.style}


def _text(element: Text) -> Block:
    if element.text_style in {"h1", "h2"}:
        return {"type": "header", "text": to_plain(element.content)}
    return {"type": "text", "text": markdown(element)}


def from_raw(raw: Mapping[str, Any]) -> ChatOutput:
    """An author's own provider payload, sent as it is."""
    return ChatOutput(title="", text=str(raw.get("text") or ""), raw=dict(raw))
