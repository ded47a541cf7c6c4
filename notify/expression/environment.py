"""Jinja's sandbox with every way to members, operators, loops and filters replaced by our own."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from jinja2 import pass_context
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment

from notify.errors import ContentError
from notify.expression.filters import BUDGETED, PURE, WRONG, Filter
from notify.expression.frame import Frame
from notify.expression.members import member
from notify.expression.operators import calculate, compare, contains, kind, negate
from notify.expression.predicates import TESTS
from notify.expression.spoken import SPOKEN
from notify.expression.values import Missing, Trusted, absent, escaped, text


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
        self.filters = {**filters, **_STEPS, **SPOKEN}
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
