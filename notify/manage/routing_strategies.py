"""Routing strategies: named routing that templates share. One that is in use stays."""

from collections.abc import Mapping, Sequence
from typing import Any

from notify import ids
from notify.errors import Conflict, NotFound, Taken
from notify.model.names import World
from notify.store import audit, db, routing_strategies, templates
from notify.store.routing_strategies import Strategy
from notify.store.templates import Template


def create(world: World, values: Mapping[str, Any]) -> Strategy:
    """``values``: name, description, tags, routing, channels, providers."""
    with db.begin() as tx:
        return _create(tx, world, f"rs_{ids.new().hex}", values)


def put(world: World, id_: str, values: Mapping[str, Any]) -> Strategy:
    """Replace the strategy with this id, or create it; an archived one is back.

    Raises:
        Taken: the other world has one with this id.
    """
    with db.begin() as tx:
        owner = routing_strategies.owner(tx, id_)
        if owner is None:
            return _create(tx, world, id_, values)
        if owner is not world:
            raise Taken(f"The other world has a routing strategy {id_!r}.")
        routing_strategies.replace(tx, id_, values)
        _record(tx, "replaced", world, id_, after=values)
        return _get(tx, world, id_)


def _create(tx: db.Tx, world: World, id_: str, values: Mapping[str, Any]) -> Strategy:
    routing_strategies.create(tx, world, id_, values)
    _record(tx, "created", world, id_, after=values)
    return _get(tx, world, id_)


def replace(world: World, id_: str, values: Mapping[str, Any]) -> Strategy:
    """Replace all of it; sends that are rendered from now on go by it.

    Raises:
        NotFound: there is no such strategy.
    """
    with db.begin() as tx:
        stored = _get(tx, world, id_, lock=True)
        routing_strategies.replace(tx, id_, values)
        _record(tx, "replaced", world, id_, before=_told(stored), after=values)
        return _get(tx, world, id_)


def archive(world: World, id_: str) -> None:
    """Archive a strategy that no template uses.

    Raises:
        NotFound: there is no such strategy.
        Conflict: a template uses it.
    """
    with db.begin() as tx:
        stored = _get(tx, world, id_, lock=True)
        if users := templates.routed_by(tx, world, id_, before=None, limit=1):
            raise Conflict(f"Routing strategy {id_} is in use, by template {users[0].id} for one.")
        routing_strategies.archive(tx, id_)
        _record(tx, "archived", world, id_, before=_told(stored))


def get(world: World, id_: str) -> Strategy:
    """One strategy.

    Raises:
        NotFound: there is none, or it is archived.
    """
    with db.begin() as tx:
        return _get(tx, world, id_)


def find(world: World, *, before: str | None, limit: int) -> Sequence[Strategy]:
    """At most ``limit``, newest first."""
    with db.begin() as tx:
        return routing_strategies.find(tx, world, before=before, limit=limit)


def notifications(world: World, id_: str, *, before: str | None, limit: int) -> Sequence[Template]:
    """The templates that use it, newest first: those whose draft does, too.

    Raises:
        NotFound: there is no such strategy.
    """
    with db.begin() as tx:
        _get(tx, world, id_)
        return templates.routed_by(tx, world, id_, before=before, limit=limit)


def _get(tx: db.Tx, world: World, id_: str, *, lock: bool = False) -> Strategy:
    found = routing_strategies.get(tx, world, id_, lock=lock)
    if found is None:
        raise NotFound(f"Routing strategy {id_!r} does not exist.")
    return found


def _told(strategy: Strategy) -> dict[str, Any]:
    return {"name": strategy.name, "tags": strategy.tags, **strategy.as_sent()}


def _record(tx: db.Tx, done: str, world: World, id_: str, **told: Mapping[str, Any]) -> None:
    audit.record(tx, f"routing_strategy.{done}", ("routing_strategy", id_), world=world, **told)
