"""Jinja's sandbox with every way to members, operators, loops and filters replaced by our own."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from jinja2 import pass_context
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment

from notify.errors import ContentError
from notify.expression.filters import BUDGETED, PURE, WRONG, Filter
from notify.expression.limits import Budget
from notify.expression.members import member
from notify.expression.operators import calculate, compare, contains, kind, negate
from notify.expression.predicates import TESTS
from notify.expression.scope import TRANSLATE
from notify.expression.values import Escape, Missing, Trusted, absent, escaped, text


class Frame(Context):
    """One render's context: besides the names, what it may cost and how its values are escaped."""

    budget: Budget
    escape: Escape


@pass_context
def _finalize(frame: Frame, value: Any) -> str:
    return escaped(value, frame.escape)


class Engine(SandboxedEnvironment):
    """The one environment; immutable once built, so threads may share it."""

    context_class = Frame
    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})
    intercepted_unops = frozenset({"+", "-"})

    def __init__(self) -> None:
        super().__init__(
            undefined=Missing,
            finalize=_finalize,
            # Folding constants would run filters at compile time, where no budget counts.
            optimized=False,
            cache_size=0,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self.globals.clear()
        filters = {name: _guarded(name, function) for name, function in _budgeted().items()}
        self.filters = {**filters, **_STEPS, "t": _translated}
        self.tests = dict(TESTS)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A member, by key only."""
        return member(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """A member, by key or index."""
        return member(obj, argument)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic whose result is bounded."""
        frame = cast(Frame, context)
        frame.budget.tick()
        return frame.budget.hold(calculate(operator, left, right))

    def call_unop(self, context: Context, operator: str, arg: Any) -> Any:
        """A sign."""
        return negate(operator, arg)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Refused: the policy lets no call through, and this is the second wall behind it."""
        raise ContentError("a template calls nothing but filters")


def _budgeted() -> Mapping[str, Filter]:
    pure = {name: _without_budget(function) for name, function in PURE.items()}
    return {**pure, **BUDGETED}


def _without_budget(function: Filter) -> Filter:
    return lambda _budget, *args, **kwargs: function(*args, **kwargs)


def _guarded(name: str, function: Filter) -> Callable[..., Any]:
    @pass_context
    def run(frame: Frame, *args: Any, **kwargs: Any) -> Any:
        frame.budget.tick()
        try:
            return frame.budget.hold(function(frame.budget, *args, **kwargs))
        except (ContentError, *WRONG) as error:
            raise ContentError(f"filter `{name}`: {error}") from None

    return run


# --- what lowering turns syntax into -------------------------------------------------------------


_PLACE = re.compile(r"%(?:([sd%])|\((\w{1,50})\)[sd])")


@pass_context
def _translated(frame: Frame, key: Any, *args: Any, count: Any = None, **named: Any) -> str:
    """A key's translation, with ``%s``, ``%d`` and ``%(name)s`` filled in; ``count`` chooses the plural."""
    frame.budget.tick()
    translate = frame.get(TRANSLATE)
    if translate is None:
        raise ContentError("filter `t`: there are no translations for the recipient's locale")
    number = int(count) if isinstance(count, int | float) else None
    values = iter(args)

    def filled(place: re.Match[str]) -> str:
        if place[1] == "%":
            return "%"
        value = named.get(place[2], count if place[2] == "count" else "") if place[2] else next(values, "")
        return escaped(value, frame.escape)

    said = frame.budget.hold(translate(text(key), number))
    return Trusted(frame.budget.hold(_PLACE.sub(filled, said)))


@pass_context
def _concat(frame: Frame, pieces: list[Any]) -> str:
    frame.budget.tick()
    texts = [text(piece) for piece in pieces]
    frame.budget.fits(sum(map(len, texts)))
    joined = "".join(texts)
    return Trusted(joined) if all(isinstance(piece, Trusted) for piece in pieces) else joined


@pass_context
def _compare(frame: Frame, left: Any, names: tuple[str, ...], *rights: Any) -> bool:
    frame.budget.tick()
    for name, right in zip(names, rights, strict=True):
        if not compare(name, left, right):
            return False
        left = right
    return True


@pass_context
def _each(frame: Frame, value: Any) -> Iterator[Any]:
    if absent(value):
        return
    if not isinstance(value, list | tuple | str | Mapping):
        raise ContentError(f"`for` needs a list, not {kind(value)}")
    for item in list(value):
        frame.budget.step()
        yield item


@pass_context
def _hold(frame: Frame, value: Any) -> Any:
    frame.budget.tick()
    return frame.budget.hold(value)


@pass_context
def _includes(frame: Frame, whole: Any, part: Any) -> bool:
    frame.budget.tick()
    return contains(whole, part)


_STEPS: dict[str, Callable[..., Any]] = {
    "~compare": _compare,
    "~concat": _concat,
    "~each": _each,
    "~endswith": lambda whole, part: text(whole).endswith(text(part)),
    "~hold": _hold,
    "~includes": _includes,
    "~startswith": lambda whole, part: text(whole).startswith(text(part)),
}
