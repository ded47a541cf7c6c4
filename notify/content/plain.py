"""Elements as plain text, for SMS, push and email's text part: elements go in, pieces of text come out."""

from collections.abc import Iterable, Iterator

from notify.content.markdown import to_plain
from notify.model.document import Action, Divider, Image, Meta, Quote, Text

RULE = "----------"


def title_of(elements: Iterable[object]) -> str:
    """The title of the last ``meta`` that has one; empty without."""
    titles = [item.title for item in elements if isinstance(item, Meta) and item.title]
    return titles[-1] if titles else ""


def quoted(text: str) -> str:
    """The text in quotation marks."""
    return f"\u201c{text}\u201d" if text else ""


def prose(elements: Iterable[object]) -> Iterator[str]:
    """What texts and quotes say."""
    for element in elements:
        if isinstance(element, Text | Quote):
            text = to_plain(element.content)
            yield quoted(text) if isinstance(element, Quote) else text


def pieces(elements: Iterable[object]) -> Iterator[str]:
    """What all elements say, each as one piece; links and images as their URLs."""
    for element in elements:
        match element:
            case Text():
                yield to_plain(element.content)
            case Quote():
                yield quoted(to_plain(element.content))
            case Action() if element.href:
                yield f"{element.content}: {element.href}" if element.content else element.href
            case Image():
                yield element.src
            case Divider():
                yield RULE


def joined(parts: Iterable[str], between: str) -> str:
    """The parts that say something, one after the other."""
    return between.join(part for part in parts if part)
