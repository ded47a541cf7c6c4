"""A template's own sender, reply address and copies: its ``email`` and the variables in, an envelope out.

Each is ``ADDRESS`` or ``NAME <ADDRESS>``. Which part is which the author says: a value in the name is a part
of the name, whatever it looks like.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from notify.content.line import one_line
from notify.content.names import names
from notify.errors import ContentError, InvalidRequest
from notify.expression import Budget, Escape, Limits, render_within
from notify.expression import check as check_template

SINGLE = ("from", "reply_to")
MANY = ("cc", "bcc")


def resolve(
    email: Mapping[str, Any] | None, *, variables: Mapping[str, Any], strict: bool, limits: Limits
) -> dict[str, Any] | None:
    """``{from, reply_to, cc, bcc}`` of what is given and not empty; None: nothing is.

    Raises:
        ContentError: it cannot be rendered.
    """
    if not email:
        return None
    found, budget = names(variables, strict=strict), Budget(limits)

    def filled(source: str) -> str:
        return one_line(render_within(source, found, Escape.PLAIN, budget))

    def box(source: str) -> dict[str, str] | None:
        name, address = map(filled, _parts(source))
        return {"email": address, "name": name} if address else None

    single = {word: box(email[word]) for word in SINGLE if email.get(word)}
    many = {word: [*filter(None, map(box, email[word]))] for word in MANY if email.get(word)}
    return {word: value for word, value in {**single, **many}.items() if value} or None


def _parts(source: str) -> tuple[str, str]:
    """Name and address, as the author wrote them."""
    text = source.strip()
    if not text.endswith(">") or "<" not in text:
        return "", text
    name, _, address = text[:-1].rpartition("<")
    return name.strip().removeprefix('"').removesuffix('"'), address


def check(email: Mapping[str, Any] | None, at: str) -> None:
    """Refuse what can never be rendered.

    Raises:
        InvalidRequest: a value is malformed; the text names its path.
    """
    for path, source in _sources(email or {}):
        try:
            for part in _parts(source):
                check_template(part)
        except ContentError as error:
            raise InvalidRequest(f"{at}.{path}: {error}") from None


def _sources(email: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from ((word, email[word]) for word in SINGLE if email.get(word))
    for word in MANY:
        yield from ((f"{word}[{at}]", source) for at, source in enumerate(email.get(word) or ()))
