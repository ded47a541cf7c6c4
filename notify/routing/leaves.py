"""The leaves of a plan's tree, and attempts by leaf."""

from collections.abc import Iterable, Iterator

from notify.model.plan import Attempted, Leaf, Node

Entry = Node | Leaf


def leaves_of(entry: Entry) -> Iterator[Leaf]:
    """All leaves, in the order of the tree."""
    if isinstance(entry, Leaf):
        yield entry
    else:
        for child in entry.entries:
            yield from leaves_of(child)


def by_leaf(attempts: Iterable[Attempted]) -> dict[str, list[Attempted]]:
    grouped: dict[str, list[Attempted]] = {}
    for attempt in attempts:
        grouped.setdefault(attempt.leaf, []).append(attempt)
    return grouped
