"""What a template may be made of: Jinja's tree goes in; ContentError comes out if it holds anything else."""

from collections.abc import Callable, Iterator, Mapping

from jinja2 import nodes

from notify.errors import ContentError
from notify.expression import messages
from notify.expression.members import LOOP_MEMBERS
from notify.expression.scope import ROOT

MAX_NODES = 5_000
MAX_DEPTH = 40
MAX_LOOPS = 8

METHODS = {
    "includes": "~includes",
    "startsWith": "~startswith",
    "endsWith": "~endswith",
    "toLowerCase": "lower",
    "toUpperCase": "upper",
    "trim": "trim",
}
"""JavaScript methods that conditions use, and the filters that do their work."""

ALLOWED = frozenset(
    {
        nodes.Add, nodes.And, nodes.Assign, nodes.Call, nodes.Compare, nodes.Concat, nodes.CondExpr,
        nodes.Const, nodes.Dict, nodes.Div, nodes.Filter, nodes.FilterBlock, nodes.FloorDiv, nodes.For,
        nodes.Getattr, nodes.Getitem, nodes.If, nodes.Keyword, nodes.List, nodes.Mod, nodes.Mul,
        nodes.Name, nodes.Neg, nodes.Not, nodes.Operand, nodes.Or, nodes.Output, nodes.Pair, nodes.Pos,
        nodes.Slice, nodes.Sub, nodes.Template, nodes.TemplateData, nodes.Test, nodes.Tuple,
    }
)  # fmt: skip

BLOCK = "markdown"
"""The one filter of blocks, and of nothing else."""
_NO_BLOCK = f"`{BLOCK}` is a block: `{{% filter {BLOCK} %}} ... {{% endfilter %}}`"

_CALLED = {nodes.Macro: "macro", nodes.NSRef: "namespace", nodes.Pow: "**"}


class Policy:
    """One tree's inspection against the filters and tests there are."""

    def __init__(self, filters: frozenset[str], tests: frozenset[str]) -> None:
        self._filters = filters
        self._tests = tests
        self._rules: Mapping[type[nodes.Node], Callable[..., str | None]] = {
            nodes.Call: _call,
            nodes.Filter: self._filter,
            nodes.FilterBlock: _block,
            nodes.For: _for,
            nodes.Getattr: _getattr,
            nodes.Getitem: _getitem,
            nodes.Name: _name,
            nodes.Test: self._test,
        }

    def inspect(self, tree: nodes.Template) -> None:
        """Raises ContentError, with the line, at the first thing that is not allowed."""
        for count, (node, line, depth, loops) in enumerate(_walk(tree)):
            problem = self._problem(node)
            if count > MAX_NODES:
                problem = f"the template has more than {MAX_NODES} parts"
            elif depth > MAX_DEPTH or loops > MAX_LOOPS:
                problem = "the template is nested too deeply"
            if problem:
                raise ContentError(f"line {line}: {problem}")

    def _problem(self, node: nodes.Node) -> str | None:
        if type(node) not in ALLOWED:
            return f"`{_CALLED.get(type(node), type(node).__name__.lower())}` is not allowed"
        rule = self._rules.get(type(node))
        return rule(node) if rule else None

    def _filter(self, node: nodes.Filter) -> str | None:
        if node.name == BLOCK:
            return None if node.node is None and not (node.args or node.kwargs) else _NO_BLOCK
        if node.node is None or node.dyn_args or node.dyn_kwargs:
            return f"filter `{node.name}` cannot be used this way"
        return _said(node) if node.name in self._filters else f"there is no filter `{node.name}`"

    def _test(self, node: nodes.Test) -> str | None:
        if node.dyn_args or node.dyn_kwargs:
            return f"test `{node.name}` cannot be used this way"
        return None if node.name in self._tests else f"there is no test `{node.name}`"


def _walk(tree: nodes.Node) -> Iterator[tuple[nodes.Node, int, int, int]]:
    """Every node with its line, its depth and the number of loops around it."""
    pending = [(tree, 1, 0, 0)]
    while pending:
        node, line, depth, loops = pending.pop()
        line = node.lineno or line
        yield node, line, depth, loops
        inner = loops + isinstance(node, nodes.For)
        children = [(child, line, depth + 1, inner) for child in node.iter_child_nodes()]
        pending.extend(reversed(children))


def _call(node: nodes.Call) -> str | None:
    called = node.node
    name = called.attr if isinstance(called, nodes.Getattr) else getattr(called, "name", "")
    if node.dyn_args or node.dyn_kwargs or node.kwargs or not isinstance(called, nodes.Getattr):
        return (
            f"`{name}(...)` is not allowed; a template calls nothing but filters, as in `{{{{ x|upper }}}}`"
        )
    if name not in METHODS:
        return f"method `{name}` is not allowed; use a filter, as in `{{{{ x|upper }}}}`"
    return None


def _block(node: nodes.FilterBlock) -> str | None:
    if node.filter.name != BLOCK:
        return f"filter `{node.filter.name}` is not allowed as a block"
    # What the inner one has escaped, the outer one would read as Markdown.
    nested = any(child.find(nodes.FilterBlock) or isinstance(child, nodes.FilterBlock) for child in node.body)
    return f"blocks of `{BLOCK}` do not stand in one another" if nested else None


def _said(node: nodes.Filter) -> str | None:
    """An ICU message that the author wrote is known before anybody gets it."""
    pattern = node.node.value if isinstance(node.node, nodes.Const) else None
    if node.name not in messages.FILTERS or not isinstance(pattern, str):
        return None
    try:
        messages.check(pattern)
    except ContentError as error:
        return f"filter `{node.name}`: {error}"
    return None


def _for(node: nodes.For) -> str | None:
    return "`recursive` loops are not allowed" if node.recursive else None


def _getattr(node: nodes.Getattr) -> str | None:
    loop = isinstance(node.node, nodes.Name) and node.node.name == "loop"
    if loop and node.attr not in LOOP_MEMBERS:
        return f"`loop` has no member `{node.attr}`"
    return _internal(node.attr)


def _getitem(node: nodes.Getitem) -> str | None:
    key = node.arg
    return _internal(key.value) if isinstance(key, nodes.Const) and isinstance(key.value, str) else None


def _name(node: nodes.Name) -> str | None:
    if node.name == "self":
        return "`self` is not allowed; a key of the data with this name is `data.self`"
    return None if node.name == ROOT and node.ctx == "load" else _internal(node.name)


def _internal(name: str) -> str | None:
    return f"`{name}` is not a name a template can read" if name.startswith("__") else None
