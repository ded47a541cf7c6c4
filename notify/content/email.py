"""Elements to an email: subject, HTML, and a text that says the same."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from notify.content import hypertext
from notify.content.frame import compile_mjml, page
from notify.content.line import one_line
from notify.content.markdown import to_plain
from notify.content.plain import joined, pieces, prose, title_of
from notify.errors import ContentError
from notify.model.document import Element, Frame, Html
from notify.model.output import EmailOutput

LINE = 78
PREVIEW = 140
SUBJECT = 78


def build(elements: Sequence[Element], dress: Frame | None = None, padding: str | None = None) -> EmailOutput:
    """Without a title the first words are the subject. ``padding``: around the content.

    Raises:
        ContentError: the brand's own page is malformed.
    """
    said = joined(prose(elements), " ")
    subject = title_of(elements) or _shortened(said, SUBJECT)
    try:
        html = page(tuple(elements), subject, _shortened(said, PREVIEW), dress, padding)
    except ValueError as error:
        raise ContentError(f"the brand's own page is not valid MJML: {error}") from None
    text = joined((*_text_of(elements), *_text_below(dress)), "\n\n")
    return EmailOutput(subject=subject, html=html, text=wrapped(text))


def _text_of(elements: Sequence[Element]) -> Iterable[str]:
    for element in elements:
        if isinstance(element, Html):
            yield hypertext.to_plain(element.content)
        else:
            yield from pieces((element,))


def _text_below(dress: Frame | None) -> Iterable[str]:
    """What a brand says at the end of every email."""
    if dress and dress.footer:
        yield to_plain(dress.footer)
    if dress and dress.social:
        yield "\n".join(f"{name}: {url}" for name, url in dress.social)
    if dress and dress.own and not dress.own.mjml:
        yield hypertext.to_plain(dress.own.footer)


def _shortened(text: str, length: int) -> str:
    line = " ".join(text[: length * 4].split())
    return line if len(line) <= length else line[: length - 1].rsplit(" ", 1)[0] + "\u2026"


def wrapped(text: str) -> str:
    """Lines of at most ``LINE`` characters, where words allow; a URL is never broken."""
    return "\n".join(part for line in text.split("\n") for part in _folded(line))


def _folded(line: str) -> Iterable[str]:
    while len(line) > LINE:
        cut = line.rfind(" ", 1, LINE + 1)
        cut = cut if cut > 0 else line.find(" ", LINE)
        if cut < 0:
            break
        yield line[:cut]
        line = line[cut + 1 :]
    yield line


def from_raw(raw: Mapping[str, Any]) -> EmailOutput:
    """An author's own ``{subject, html, text}``; ``transformers`` may ask for MJML.

    Raises:
        ContentError: neither html nor text, or malformed MJML.
    """
    html, text = str(raw.get("html") or ""), str(raw.get("text") or "")
    if not (html or text):
        raise ContentError("raw content for email needs `html` or `text`")
    if "mjml" in (raw.get("transformers") or ()):
        html = _from_mjml(html)
    subject = one_line(str(raw.get("subject") or ""))
    return EmailOutput(subject=subject, html=html, text=text or wrapped(hypertext.to_plain(html)))


def _from_mjml(source: str) -> str:
    try:
        return compile_mjml(source)
    except (ValueError, OSError) as error:
        raise ContentError(f"raw.html is not valid MJML: {error}") from None
