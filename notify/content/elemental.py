"""From Elemental to a document: an author's content and the variables go in, final text comes out."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from notify.content.fields import Fields, Run
from notify.content.flow import flow, narrowed, occurrences
from notify.content.names import names
from notify.errors import ContentError
from notify.expression import Budget, Escape, Limits, Scope
from notify.model.document import Action, ChannelBlock, Document, Quote, Text

DEFAULT = "default"


def resolve(
    content: Mapping[str, Any],
    *,
    variables: Mapping[str, Any],
    locale: str | None,
    limits: Limits,
    snippets: Mapping[str, str] | None = None,
    translate: Callable[..., str] | None = None,
) -> Document:
    """Fills in variables, control flow and locale.

    Args:
        content: Elemental (``elements``), its short form (``title``, ``body``), or both; see ``check``.
        variables: the roots, such as ``data`` and ``profile``.
        locale: the recipient's; elements without it keep their own text.
        limits: what a flat document, or each channel block, may cost.
        snippets: the brand's, by name.
        translate: what filter ``t`` asks; None: there is nothing for the recipient's locale.

    Returns:
        The document; its warnings say what was left out and why.

    Raises:
        ContentError: a flat document cannot be rendered. A channel block keeps its error instead.
    """
    run = Run(locale=locale, budget=Budget(limits), refs={}, snippets=snippets or {})
    roots = variables.roots if isinstance(variables, Scope) else variables
    strict = content.get("scope") == "strict"
    found = names({**roots, "refs": run.refs}, strict=strict, locale=locale, translate=translate)
    elements = _elements(content)
    if any(_is_block(element) for element in elements):
        blocks = _blocks(elements, found, run, limits)
        return Document(blocks=blocks, warnings=tuple(run.warnings), untracked=tuple(run.untracked) or None)
    shown = tuple(flow(elements, found, run, "elements"))
    return Document(elements=shown, warnings=tuple(run.warnings), untracked=tuple(run.untracked) or None)


def _elements(content: Mapping[str, Any]) -> list[Any]:
    elements = content.get("elements")
    own = list(elements) if isinstance(elements, list) else []
    sugar = _sugar(content)
    if not sugar or not any(_is_block(element) for element in own):
        return sugar + own
    return _with_default(own, sugar)


def _sugar(content: Mapping[str, Any]) -> list[Any]:
    title, body = content.get("title"), content.get("body")
    elements: list[Any] = []
    if title is not None:
        elements.append({"type": "meta", "title": title})
    if body is not None:
        elements.append({"type": "text", "content": body})
    return elements


def _with_default(blocks: list[Any], sugar: list[Any]) -> list[Any]:
    """Title and body beside channel blocks stand for the channels that have no block of their own."""
    default = next((block for block in blocks if _is_block(block) and block.get("channel") == DEFAULT), None)
    if default is None:
        return [{"type": "channel", "channel": DEFAULT, "elements": sugar}, *blocks]
    merged = {**default, "elements": [*sugar, *(default.get("elements") or [])]}
    return [merged if block is default else block for block in blocks]


def _is_block(element: Any) -> bool:
    return isinstance(element, Mapping) and element.get("type") == "channel"


# --- channel blocks ------------------------------------------------------------------------------


def _blocks(elements: list[Any], names: Scope, run: Run, limits: Limits) -> tuple[ChannelBlock, ...]:
    blocks = []
    for index, element in enumerate(elements):
        if not _is_block(element):
            run.warn(f"elements[{index}]", "stands beside channel blocks; skipped")
            continue
        # Each block has a budget of its own, so that one cannot use up another's.
        run.budget, run.row = Budget(limits), None
        if block := _block(element, names, run, f"elements[{index}]"):
            blocks.append(block)
    return tuple(blocks)


def _block(element: Mapping[str, Any], names: Scope, run: Run, at: str) -> ChannelBlock | None:
    channel, channels = str(element.get("channel")), narrowed(None, element.get("channels"))
    try:
        scopes = list(occurrences(element, names, run, at))
        if not scopes:
            return None
        if element.get("raw") is not None:
            raw = _raw(Fields(element, scopes[0], run, at))
            return ChannelBlock(channel=channel, raw=raw, channels=channels)
        padding = Fields(element, scopes[0], run, at).size("padding")
        shown = [leaf for inner in scopes for leaf in _sized(Fields(element, inner, run, at))]
        return ChannelBlock(channel=channel, elements=tuple(shown), channels=channels, padding=padding)
    except ContentError as error:
        return ChannelBlock(channel=channel, error=str(error), channels=channels)


def _sized(fields: Fields) -> Iterator[Any]:
    """The block's leaves; what has no sizes of its own has the block's."""
    sizes = {"font_size": fields.size("font_size"), "line_height": fields.height()}
    for leaf in _inside(fields):
        own = {name: sizes[name] for name in _sizes_of(leaf) if sizes[name]}
        missing = {name: value for name, value in own.items() if getattr(leaf, name) is None}
        yield replace(leaf, **missing) if missing else leaf


def _sizes_of(leaf: Any) -> tuple[str, ...]:
    """Which of its sizes are the block's: headings and small print keep the size of their letters."""
    if isinstance(leaf, Action):
        return ("font_size",)
    if not isinstance(leaf, Text | Quote):
        return ()
    return ("font_size", "line_height") if leaf.text_style == "text" else ("line_height",)


def _inside(fields: Fields) -> list[Any]:
    return flow(fields.children(), fields.scope, fields.run, f"{fields.at}.elements")


def _raw(fields: Fields) -> dict[str, Any]:
    raw = fields.raw("raw")
    if not isinstance(raw, Mapping):
        raise ContentError("`raw` must be an object")
    transformers = raw.get("transformers")
    if isinstance(transformers, list) and "handlebars" not in transformers:
        return dict(raw)
    return {key: _filled(value, fields, _escape_of(key)) for key, value in raw.items()}


def _escape_of(key: str) -> Escape:
    return Escape.HTML if key == "html" else Escape.PLAIN


def _filled(value: Any, fields: Fields, escape: Escape) -> Any:
    if isinstance(value, str):
        return fields.run.filled(value, fields.scope, escape)
    if isinstance(value, Mapping):
        return {key: _filled(item, fields, escape) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, fields, escape) for item in value]
    return value
