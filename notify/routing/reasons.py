"""Why each provider of a plan is where it is: a plan and its attempts in, a standing with words out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from notify.model.call import Blame
from notify.model.plan import Attempted, DeliveryState, Leaf, Method, Node, Plan
from notify.routing.advance import advance
from notify.routing.leaves import leaves_of

Key = tuple[str, int]
"""A leaf's key, and one of its candidates."""


class Role(StrEnum):
    """``starts``: called first. ``standby``: called if something else fails. ``unused``: was never needed.

    The others are what an attempt has come to.
    """

    STARTS = "starts"
    STANDBY = "standby"
    UNUSED = "unused"
    ACTIVE = "active"
    SENT = "sent"
    FAILED = "failed"
    RETURNED = "returned"
    SIMULATED = "simulated"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    role: Role
    why: str


_WHY = {
    DeliveryState.ACTIVE: "Called, or waiting for its next try.",
    DeliveryState.SENT: "The provider accepted it.",
    DeliveryState.SIMULATED: "Sent with a mock key: all was done but the provider's call.",
    DeliveryState.CANCELED: "Canceled before it was sent.",
}
_AFTER = {
    Blame.PROVIDER: "The next provider may take over",
    Blame.RECIPIENT: "No other provider would do better, the next channel may",
    Blame.CONTENT: "This channel has nothing to send",
    Blame.UNKNOWN: "Nothing may follow it",
}


def standings(plan: Plan, attempts: Sequence[Attempted], now: datetime, *, over: bool) -> dict[Key, Standing]:
    """The standing of every provider of the plan. ``over``: the message has its final status."""
    tried = {(attempt.leaf, attempt.candidate): _tried(attempt) for attempt in attempts}
    starting = () if over else advance(plan, attempts, now).start
    starts = {(start.leaf.key, start.candidate) for start in starting}
    found = dict(_waiting(plan.root, None))
    for key, standing in found.items():
        if key in tried:
            found[key] = tried[key]
        elif key in starts:
            found[key] = Standing(role=Role.STARTS, why=_first(plan.root, key))
        elif over:
            found[key] = replace(standing, role=Role.UNUSED, why=f"Not needed. {standing.why}")
    return found


def _tried(attempt: Attempted) -> Standing:
    why = _WHY.get(attempt.state)
    if why is None:
        after = _AFTER.get(attempt.blame or Blame.PROVIDER, "")
        why = f"{attempt.reason or 'It failed'} ({after}.)" if after else str(attempt.reason)
    return Standing(role=Role(attempt.state.value), why=why)


def _waiting(entry: Node | Leaf, before: str | None) -> Iterator[tuple[Key, Standing]]:
    """Every provider as one that waits. ``before``: what has to fail first, in words."""
    if isinstance(entry, Leaf):
        yield from _candidates(entry, before)
        return
    for index, child in enumerate(entry.entries):
        behind = index > 0 and entry.method is Method.SINGLE
        yield from _waiting(child, _channels(entry.entries[index - 1]) if behind else before)


def _candidates(leaf: Leaf, before: str | None) -> Iterator[tuple[Key, Standing]]:
    for index, _ in enumerate(leaf.candidates):
        if index:
            previous = leaf.candidates[index - 1]
            patience = f"{previous.timeout_ms / 1000:g} s"
            why = f"Takes over if {previous.provider} fails or is not done in {patience}."
        else:
            why = f"Takes over if {before} fails." if before else "In order."
        yield (leaf.key, index), Standing(role=Role.STANDBY, why=why)


def _channels(entry: Node | Leaf) -> str:
    return " and ".join(dict.fromkeys(leaf.channel.value for leaf in leaves_of(entry)))


def _first(root: Node, key: Key) -> str:
    if key[1] or not _is_first(root, key[0]):
        return "What came before it has failed."
    parallel = len(list(leaves_of(root))) > 1 and root.method is Method.ALL
    return "Every entry of `all` is sent." if parallel else "The first that can take it."


def _is_first(entry: Node | Leaf, leaf: str) -> bool:
    if isinstance(entry, Leaf):
        return entry.key == leaf
    first = entry.entries[:1] if entry.method is Method.SINGLE else entry.entries
    return any(_is_first(child, leaf) for child in first)


def shown(plan: Plan, standing: Mapping[Key, Standing]) -> dict[str, object]:
    """The plan's tree for JSON, each provider with its standing."""
    return _node(plan.root, standing)


def _node(node: Node, standing: Mapping[Key, Standing]) -> dict[str, object]:
    entries = [
        _leaf(entry, standing) if isinstance(entry, Leaf) else _node(entry, standing)
        for entry in node.entries
    ]
    return {"method": node.method, "entries": entries}


def _leaf(leaf: Leaf, standing: Mapping[Key, Standing]) -> dict[str, object]:
    providers = [
        {
            "provider": candidate.provider,
            "id": candidate.id,
            "standing": standing[leaf.key, index].role,
            "why": standing[leaf.key, index].why,
            "timeout": candidate.timeout_ms,
        }
        for index, candidate in enumerate(leaf.candidates)
    ]
    return {
        "channel": leaf.channel,
        "timeout": leaf.timeout_ms,
        "guarantee": leaf.guarantee,
        "providers": providers,
    }
