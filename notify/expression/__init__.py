"""The one sandboxed language of Notify: templates for text, expressions for conditions and loops.

In: an author's source, the variables, and limits from the caller. Out: text, a truth value, or a member
of the variables. It is Jinja2 cut down to what a notification needs: values, filters, ``if``, ``for`` and
``set``; conditions may also be written with JavaScript's operators. Whatever a source tries, it either
renders within its limits or raises ``notify.errors.ContentError``.
"""

from notify.expression.engine import check, evaluate, evaluate_within, render, render_within
from notify.expression.limits import Budget, Limits
from notify.expression.members import lookup
from notify.expression.scope import LOCALE, MARKDOWN, ROOTS, TRANSLATE, Scope, scope
from notify.expression.values import Escape

__all__ = [
    "LOCALE",
    "MARKDOWN",
    "ROOTS",
    "TRANSLATE",
    "Budget",
    "Escape",
    "Limits",
    "Scope",
    "check",
    "evaluate",
    "evaluate_within",
    "lookup",
    "render",
    "render_within",
    "scope",
]
