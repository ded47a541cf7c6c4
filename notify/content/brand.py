"""A brand's settings and snippets in; what templates see of it, and how it dresses an email, out.

Whatever people wrote into a brand is a template like any other content, and hostile like any other.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from notify.content import snippets as partials
from notify.content.frame import page
from notify.content.names import names as named
from notify.content.urls import IMAGES, LINKS, allowed
from notify.errors import ContentError, InvalidRequest
from notify.expression import Budget, Escape, Limits, Scope, render_within
from notify.expression import check as check_template
from notify.model.colors import color
from notify.model.document import Frame, OwnFrame

Json = Mapping[str, Any]
_PARTS = ("header", "footer", "head")
SOCIAL = {
    "facebook": "Facebook",
    "instagram": "Instagram",
    "linkedin": "LinkedIn",
    "medium": "Medium",
    "twitter": "Twitter",
}
"""Key -> the name of the service."""


def effective(own: Json, default: Json | None) -> dict[str, Any]:
    """The settings, with what a brand takes over from the default one (``inheritDefault``)."""
    email, below = own.get("email") or {}, (default or {}).get("email") or {}
    inherited = {part: below.get(part) for part in _PARTS if (email.get(part) or {}).get("inheritDefault")}
    return {**own, "email": {**email, **inherited}} if inherited else dict(own)


def snippets(*brands: Json | None) -> dict[str, str]:
    """The snippets of brands, by name; the later ones beat those before."""
    items = [item for one in brands if one for item in one.get("items") or ()]
    return {str(item["name"]): str(item["value"]) for item in items}


def frame(
    settings: Json, names: Scope, known: Mapping[str, str], limits: Limits, name: str | None = None
) -> Frame:
    """How the brand dresses this message's email. ``known``: the snippets; ``name``: the brand's.

    Raises:
        ContentError: something in it cannot be rendered.
    """
    fill = _Fill(names, known, Budget(limits))
    email, colors = settings.get("email") or {}, settings.get("colors") or {}
    found = Frame(primary=color(colors.get("primary")), secondary=color(colors.get("secondary")))
    override = email.get("templateOverride") or {}
    if override.get("enabled"):
        return Frame(primary=found.primary, secondary=found.secondary, own=_own(override, fill))
    header, footer = email.get("header") or {}, email.get("footer") or {}
    logo = header.get("logo") or {}
    return Frame(
        primary=found.primary,
        secondary=found.secondary,
        name=name,
        bar=color(header.get("barColor")),
        logo=allowed(fill(logo.get("image"), Escape.PLAIN), IMAGES) or None,
        logo_href=allowed(fill(logo.get("href"), Escape.PLAIN), LINKS) or None,
        footer=fill(footer.get("markdown"), Escape.MARKDOWN) or None,
        social=tuple(_social(footer.get("social") or {})) or None,
        head=fill((email.get("head") or {}).get("content"), Escape.HTML) or None,
    )


class _Fill:
    """Fills in variables and snippets of one brand for one message."""

    def __init__(self, names: Scope, known: Mapping[str, str], budget: Budget) -> None:
        self._names, self._known, self._budget = names, known, budget

    def __call__(self, source: object, escape: Escape) -> str:
        if not source:
            return ""
        whole = partials.expanded(str(source), self._known)
        return render_within(whole, self._names, escape, self._budget)


def _social(social: Json) -> Iterator[tuple[str, str]]:
    for key, name in SOCIAL.items():
        url = allowed(str((social.get(key) or {}).get("url") or ""), frozenset({"http", "https"}))
        if url:
            yield name, url


def _own(override: Json, fill: _Fill) -> OwnFrame:
    mjml = override.get("mjml") or {}
    parts = mjml if mjml.get("enabled") else override
    return OwnFrame(
        mjml=bool(mjml.get("enabled")),
        head=fill(parts.get("head"), Escape.HTML),
        header=fill(parts.get("header"), Escape.HTML),
        footer=fill(parts.get("footer"), Escape.HTML),
        width=_width(parts.get("width") or override.get("width")),
        background=color(parts.get("backgroundColor") or override.get("backgroundColor")),
        blocks_background=color(parts.get("blocksBackgroundColor") or override.get("blocksBackgroundColor")),
        footer_background=color(override.get("footerBackgroundColor")),
        footer_full_width=bool(override.get("footerFullWidth")),
    )


_NARROWEST, _WIDEST = 320, 1200


def _width(width: object) -> int | None:
    digits = str(width or "").removesuffix("px")
    return min(max(int(digits), _NARROWEST), _WIDEST) if digits.isascii() and digits.isdigit() else None


# --- checking ------------------------------------------------------------------------------------


def check(settings: Json, items: Json, limits: Limits) -> None:
    """Refuse a brand that could never be sent with.

    Raises:
        InvalidRequest: something in it is wrong; the text names its place.
    """
    for at, value in _texts(items.get("items") or (), "snippets.items"):
        _checked(at, value)
    for at, value in _texts(settings, "settings"):
        if at.lower().endswith("color") or at.startswith("settings.colors."):
            if value and color(value) is None:
                raise InvalidRequest(f"{at}: {value[:50]!r} is not a color")
        else:
            _checked(at, value)
    try:
        page((), "", "", frame(settings, named({}, strict=False), snippets(items), limits))
    except ContentError as error:
        raise InvalidRequest(f"settings.email: {error}") from None
    except ValueError as error:
        raise InvalidRequest(f"settings.email.templateOverride: not valid MJML: {error}") from None


def _checked(at: str, source: str) -> None:
    try:
        check_template(partials.without(source))
    except ContentError as error:
        raise InvalidRequest(f"{at}: {error}") from None


def _texts(value: Any, at: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, f"{at}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _texts(item, f"{at}[{index}]")
