"""One render's context: besides the names, what it may cost and how its values are escaped."""

from jinja2.runtime import Context

from notify.expression.limits import Budget
from notify.expression.values import Escape


class Frame(Context):
    """What a filter that is not pure takes first."""

    budget: Budget
    escape: Escape
