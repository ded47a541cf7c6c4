"""Compiles and runs templates and conditions; see the package for what goes in and out."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import TracebackType
from typing import Any, cast

from jinja2 import Template, TemplateError, TemplateSyntaxError, nodes
from jinja2.parser import Parser

from notify.errors import ContentError
from notify.expression.conditions import to_jinja
from notify.expression.environment import Engine
from notify.expression.filters import WRONG
from notify.expression.frame import Frame
from notify.expression.limits import Budget, Limits
from notify.expression.lowering import Lowering
from notify.expression.policy import Policy
from notify.expression.scope import as_scope
from notify.expression.source import MAX_SOURCE, has_tags, prepare
from notify.expression.values import Escape

FAULTS = (TemplateError, SyntaxError, MemoryError, AttributeError, *WRONG)
"""Whatever else parsing, compiling or running a hostile source can raise."""

_SMALL = 8 * 1024

_engine = Engine()
_policy = Policy(frozenset(name for name in _engine.filters if name[0] != "~"), frozenset(_engine.tests))


def render(source: str, variables: Mapping[str, Any], escape: Escape, limits: Limits) -> str:
    """A source with its variables filled in.

    Args:
        source: the author's text; returned as it is when it holds no tag.
        variables: a ``Scope``, or plain roots, which are read in the default scope.
        escape: how values (never the author's own text) are escaped.
        limits: what the render may cost.

    Raises:
        ContentError: it is malformed, forbidden, or beyond a limit; the text names the line and the culprit.
    """
    return render_within(source, variables, escape, Budget(limits))


def render_within(source: str, variables: Mapping[str, Any], escape: Escape, budget: Budget) -> str:
    """Like ``render``, spending from a budget that several renders share."""
    if not has_tags(source):
        return budget.write(source)
    return _run(_compiled(source), variables, escape, budget)


def evaluate(condition: str, variables: Mapping[str, Any], limits: Limits) -> bool:
    """Is the condition true? Empty texts, lists and objects, 0, null and what is missing are false.

    Raises:
        ContentError: it is malformed, forbidden, or beyond a limit.
    """
    return evaluate_within(condition, variables, Budget(limits))


def evaluate_within(condition: str, variables: Mapping[str, Any], budget: Budget) -> bool:
    """Like ``evaluate``, spending from a budget that several evaluations share."""
    try:
        return bool(_run(_compiled_condition(condition), variables, Escape.PLAIN, budget))
    except ContentError as error:
        raise ContentError(f"condition `{condition[:200]}`: {error}") from None


def check(source: str) -> None:
    """Raises ContentError when a source could not be rendered with any variables."""
    if has_tags(source):
        _compiled(source)


# --- compiling -----------------------------------------------------------------------------------


def _compiled(source: str) -> Template:
    return _compiled_small(source) if len(source) <= _SMALL else _compiled_large(source)


def _compile(source: str) -> Template:
    if len(source) > MAX_SOURCE:
        raise ContentError(f"a template is at most {MAX_SOURCE} characters long")
    return _built(lambda: _engine.parse(prepare(source)))


# By size, so that a full cache stays within memory.
_compiled_small = lru_cache(maxsize=2048)(_compile)
_compiled_large = lru_cache(maxsize=32)(_compile)


@lru_cache(maxsize=2048)
def _compiled_condition(condition: str) -> Template:
    return _built(lambda: _condition_tree(condition))


def _condition_tree(condition: str) -> nodes.Template:
    parser = Parser(_engine, to_jinja(condition), state="variable")
    test = parser.parse_expression()
    if not parser.stream.eos:
        raise TemplateSyntaxError(f"unexpected {parser.stream.current}", parser.stream.current.lineno)
    branch = nodes.If(test, [nodes.Output([nodes.TemplateData("1")], lineno=1)], [], [], lineno=1)
    tree = nodes.Template([branch], lineno=1)
    return tree.set_environment(_engine)  # type: ignore[return-value]


def _built(parse: Callable[[], nodes.Template]) -> Template:
    try:
        tree = parse()
        _policy.inspect(tree)
        lowered = cast(nodes.Template, Lowering().visit(tree)).set_environment(_engine)
        return _engine.from_string(cast(nodes.Template, lowered))
    except TemplateSyntaxError as error:
        raise ContentError(f"line {error.lineno}: {error.message}") from None
    except RecursionError:
        raise ContentError("the template is nested too deeply") from None
    except FAULTS as error:
        raise ContentError(f"the template cannot be read: {error}") from None


# --- running -------------------------------------------------------------------------------------


def _run(template: Template, variables: Mapping[str, Any], escape: Escape, budget: Budget) -> str:
    frame = cast(Frame, template.new_context(as_scope(variables), shared=True))
    frame.budget, frame.escape = budget, escape
    try:
        budget.tick()
        return "".join([budget.write(piece) for piece in template.root_render_func(frame)])
    except (ContentError, *FAULTS) as error:
        raise ContentError(f"line {_line(template, error.__traceback__)}: {error}") from None


def _line(template: Template, traceback: TracebackType | None) -> int:
    """The line of the source that the innermost piece of compiled template stands for."""
    line = 1
    while traceback:
        if traceback.tb_frame.f_globals.get("__jinja_template__") is template:
            line = template.get_corresponding_lineno(traceback.tb_lineno)
        traceback = traceback.tb_next
    return line
