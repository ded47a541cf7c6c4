"""Which names a template sees: roots and data go in, one flat mapping of names comes out.

Roots are ``data``, ``profile``, ``tenant`` and the other names of ``ROOTS``. In the default scope a bare
``{{name}}`` is ``data.name``, unless ``name`` is one of ``ROOTS`` and has a value: then the root wins.
Any other root gives way to a key of the data. In the strict scope only ``{{data.name}}`` reads data.
"""

from collections.abc import Mapping
from typing import Any

ROOT = "__root"
"""The name ``$`` has inside the engine: no author's name may begin with two underscores."""

TRANSLATE = "__translate"
"""Likewise, of what filter ``t`` asks."""

LOCALE = "__locale"
"""Likewise, of the locale in which ICU messages are said."""

MARKDOWN = "__markdown"
"""Likewise, of what makes HTML (True) or plain text of a block of Markdown."""

ROOTS = frozenset(
    {
        "brand", "courier", "data", "datetime", "event", "index", "item", "messageId", "openTrackingId",
        "profile", "recipient", "refs", "subscriptionTopicId", "template", "tenant", "unsubscribeTrackingId",
        "urls",
    }
)  # fmt: skip


class Scope(dict[str, Any]):
    """The names a template sees; ``roots`` is what ``$`` stands for."""

    __slots__ = ("roots",)

    def __init__(self, names: Mapping[str, Any], roots: Mapping[str, Any]) -> None:
        super().__init__(names)
        self.roots = roots
        self[ROOT] = roots

    def bind(self, **roots: Any) -> "Scope":
        """The same scope with some roots set, which hide all else of that name."""
        return Scope({**self, **roots}, {**self.roots, **roots})


def scope(roots: Mapping[str, Any], data: Mapping[str, Any] | None, strict: bool = False) -> Scope:
    """The names for a message's templates.

    Args:
        roots: the root names and their values, ``data`` usually among them.
        data: what bare names read; None is no data.
        strict: leave bare names to the roots.
    """
    if strict or not isinstance(data, Mapping):
        return Scope(roots, roots)
    known = {name: value for name, value in roots.items() if name in ROOTS}
    return Scope({**roots, **data, **known}, roots)


def as_scope(variables: Mapping[str, Any]) -> Scope:
    """A scope as it is; plain roots in the default scope."""
    return variables if isinstance(variables, Scope) else scope(variables, variables.get("data"))
