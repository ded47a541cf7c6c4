"""Rewrites an inspected tree so that every costly or fallible step is one of our filters.

Jinja compiles ``~``, comparisons, slices, lists and loops to bare Python, where nothing could count or
bound them. In and out: Jinja's tree.
"""

from typing import Any, cast

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from notify.expression import messages
from notify.expression.policy import METHODS

_SPOKEN = frozenset({"t", *messages.FILTERS})


def _filter(name: str, value: Any, *args: Any) -> nodes.Filter:
    return nodes.Filter(value, name, list(args), [], None, None, lineno=value.lineno)


def _expression(piece: Any) -> nodes.Expr:
    if not isinstance(piece, nodes.TemplateData):
        return cast(nodes.Expr, piece)
    return _filter("safe", nodes.Const(piece.data, lineno=piece.lineno))


class Lowering(NodeTransformer):
    """Children first, so that a rewritten node is not visited again."""

    _blocks = 0

    def visit_FilterBlock(self, node: nodes.FilterBlock) -> nodes.Node:
        self._blocks += 1
        node.body = [self.visit(child) for child in node.body]
        self._blocks -= 1
        return node

    def visit_Output(self, node: nodes.Output) -> nodes.Node:
        """Inside a block of Markdown, values are escaped for Markdown, and every piece is counted."""
        self.generic_visit(node)
        if self._blocks:
            node.nodes = [_filter("~markdown", _expression(child)) for child in node.nodes]
        return node

    def visit_Filter(self, node: nodes.Filter) -> nodes.Node:
        """A text in the template itself is the author's, with whatever markup it holds."""
        self.generic_visit(node)
        if node.name in _SPOKEN and isinstance(node.node, nodes.Const) and isinstance(node.node.value, str):
            node.node = _filter("safe", node.node)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _filter("~concat", nodes.List(node.nodes, lineno=node.lineno))

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        names = nodes.Const(tuple(operand.op for operand in node.ops), lineno=node.lineno)
        return _filter("~compare", node.expr, names, *(operand.expr for operand in node.ops))

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        self.generic_visit(node)
        if not isinstance(node.arg, nodes.Slice):
            return node
        bounds = (node.arg.start, node.arg.stop, node.arg.step)
        return _filter("~slice", node.node, *(bound or nodes.Const(None) for bound in bounds))

    def visit_List(self, node: nodes.List) -> nodes.Node:
        self.generic_visit(node)
        return _filter("~hold", node)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:
        self.generic_visit(node)
        return _filter("~hold", node)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        self.generic_visit(node)
        return node if node.ctx == "store" else _filter("~hold", nodes.List(node.items, lineno=node.lineno))

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        self.generic_visit(node)
        method: Any = node.node
        return _filter(METHODS[method.attr], method.node, *node.args)

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self.generic_visit(node)
        node.iter = _filter("~each", node.iter)
        return node

    def visit_Name(self, node: nodes.Name) -> nodes.Node:
        return node
