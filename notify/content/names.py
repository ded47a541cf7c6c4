"""What a message's templates can name: the variables in, the scope with the tools of the language out."""

from collections.abc import Callable, Mapping
from typing import Any

from notify.content.markdown import to_html, to_plain
from notify.expression import LOCALE, MARKDOWN, TRANSLATE, Scope, scope


def names(
    roots: Mapping[str, Any],
    *,
    strict: bool,
    locale: str | None = None,
    translate: Callable[..., str] | None = None,
) -> Scope:
    """The names of these roots. ``strict``: a bare name is none of the data's.

    Args:
        roots: the root names and their values, ``data`` usually among them.
        strict: leave bare names to the roots.
        locale: in which messages are said; None: that of ``profile``.
        translate: what filter ``t`` asks; None: there is nothing for the recipient's locale.
    """
    found = scope(roots, roots.get("data"), strict=strict)
    profile = roots.get("profile")
    found[LOCALE] = locale or (profile.get("locale") if isinstance(profile, Mapping) else None)
    found[MARKDOWN] = _converted
    if translate:
        found[TRANSLATE] = translate
    return found


def _converted(source: str, html: bool) -> str:
    return to_html(source) if html else to_plain(source)
