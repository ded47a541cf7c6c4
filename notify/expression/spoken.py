"""Filters that speak the recipient's language, and the block of Markdown: a frame and a value in, text out.

A text that the author wrote, or that a translation has, may hold markup; one that came as a value may not.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import pass_context

from notify.errors import ContentError
from notify.expression import messages
from notify.expression.filters import WRONG
from notify.expression.frame import Frame
from notify.expression.scope import LOCALE, MARKDOWN, TRANSLATE
from notify.expression.values import Escape, Trusted, absent, escaped, text

_PLACE = re.compile(r"%(?:([sd%])|\((\w{1,50})\)[sd])")


@pass_context
def _translated(frame: Frame, key: Any, *args: Any, count: Any = None, **named: Any) -> str:
    """A key's translation, with ``%s``, ``%d`` and ``%(name)s`` filled in; ``count`` chooses the plural."""
    frame.budget.tick()
    translate = frame.get(TRANSLATE)
    if translate is None:
        raise ContentError("filter `t`: there are no translations for the recipient's locale")
    number = int(count) if isinstance(count, int | float) else None
    said = frame.budget.hold(translate(text(key), number))
    print_, finish = _printing(frame, Trusted(said) if said != key else key)
    values = iter(args)

    def filled(place: re.Match[str]) -> str:
        if place[1] == "%":
            return "%"
        value = named.get(place[2], count if place[2] == "count" else "") if place[2] else next(values, "")
        return print_(value)

    return finish(frame.budget.hold(_PLACE.sub(filled, said)))


def _printing(frame: Frame, source: Any) -> tuple[Callable[[Any], str], Callable[[str], str]]:
    """How a value is put into ``source``, and what the whole is then."""
    if isinstance(source, Trusted):
        return lambda value: escaped(value, frame.escape), Trusted
    return text, str


@pass_context
def _format_message(frame: Frame, pattern: Any, /, *args: Any, **named: Any) -> str:
    """An ICU message in the recipient's locale; dates and times in UTC. ``{0}`` is the first of ``args``."""
    return _said(frame, "formatMessage", pattern, {**_numbered(args), **named}, None, "UTC")


@pass_context
def _intl(frame: Frame, pattern: Any, locale: Any = None, tz: Any = "UTC", /, **named: Any) -> str:
    """An ICU message in a locale (None: the recipient's), dates and times in a zone."""
    if not absent(locale) and messages.locale_of(locale) is None:
        raise ContentError(f"filter `intl`: `{text(locale)[:50]}` is no locale; write one like `de-AT`")
    return _said(frame, "intl", pattern, named, messages.locale_of(locale), text(tz))


def _numbered(args: tuple[Any, ...]) -> dict[str, Any]:
    return {str(index): value for index, value in enumerate(args)}


def _said(
    frame: Frame, filter_: str, pattern: Any, values: Mapping[str, Any], locale: str | None, tz: str
) -> str:
    frame.budget.tick()
    found = locale or messages.locale_of(frame.get(LOCALE)) or messages.DEFAULT_LOCALE
    print_, finish = _printing(frame, pattern)
    try:
        return finish(frame.budget.hold(messages.say(text(pattern), values, frame.budget, print_, found, tz)))
    except (ContentError, *WRONG) as error:
        raise ContentError(f"filter `{filter_}`: {error}") from None


@pass_context
def _markdown(frame: Frame, source: str) -> str:
    """A block of Markdown as what stands there: HTML, the same Markdown, or plain text."""
    frame.budget.tick()
    convert = frame.get(MARKDOWN)
    if frame.escape is Escape.MARKDOWN or convert is None:
        return source
    return str(frame.budget.hold(convert(source, frame.escape is Escape.HTML)))


@pass_context
def _within_markdown(frame: Frame, value: Any) -> str:
    """A piece of such a block: what holds back a block that grows without being printed."""
    return Trusted(frame.budget.write(escaped(value, Escape.MARKDOWN)))


SPOKEN: Mapping[str, Callable[..., Any]] = {
    "formatMessage": _format_message,
    "intl": _intl,
    "markdown": _markdown,
    "t": _translated,
    "~markdown": _within_markdown,
}
