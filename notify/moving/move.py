"""A whole move: a source in, all that can be carried here out, so ordered that what is named is there."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from notify.moving import content, groups, people
from notify.moving.carrying import Mover

PROVIDERS = "providers"
NEVER = (
    "API keys: make new ones (notify keys create)",
    "the log of messages, and the log of preference changes: they stay where they are",
    "older versions of templates: what is published, and the draft, are here",
    "the published preference page: look at it and publish it (POST /preferences/publish)",
    "preferences of lists as such: servers do not tell them; those of subscriptions are here",
    "what users chose just as the default has it: it is not told apart from the default",
    "deleted lists, archived templates and strategies: they are not listed",
    "journeys, automations, broadcasts, journeys' templates and webhooks: build them anew",
)
"""What no server tells, or what is not carried from any."""


class Step(NamedTuple):
    """``name``: what people see. ``total``: how many there will be, if that is known beforehand."""

    name: str
    run: Callable[[], object]
    total: Callable[[], int] | None = None


def steps(mover: Mover, *, messages: int) -> Iterator[Step]:
    """What is to be done, one after the other.

    Args:
        messages: how many of the newest are looked at for their recipients.
    """
    yield Step(content.BRANDS, lambda: content.brands(mover))
    yield Step(content.STRATEGIES, lambda: content.strategies(mover))
    yield Step(content.SECTIONS, lambda: content.sections(mover))
    yield Step(content.TEMPLATES, lambda: content.templates(mover))
    ids: set[str] = set()
    yield Step(groups.TENANTS, lambda: ids.update(groups.tenants(mover)))
    yield Step(groups.MEMBERS, lambda: groups.tenants_own(mover, sorted(ids)))
    yield Step(groups.LISTS, lambda: groups.lists(mover))
    yield Step(groups.AUDIENCES, lambda: groups.audiences(mover))
    yield Step("users found", lambda: people.find(mover, messages=messages))
    if not mover.dry_run:
        yield Step("users", lambda: people.everybody(mover), mover.state.count_people)
    yield Step(content.TRANSLATIONS, lambda: content.all_translations(mover))
    yield Step(PROVIDERS, lambda: providers(mover))


def providers(mover: Mover) -> None:
    """Say which there are: their credentials cannot be read, so they are configured by hand."""
    for id_, row in mover.rows(PROVIDERS, "providers"):
        named: Any = (row.get("provider"), row.get("title"))
        what = ", ".join(one for one in named if isinstance(one, str))
        mover.refuse(PROVIDERS, id_, f"configure it by hand, its credentials cannot be read: {what[:200]}")
