"""Webhook destinations: who hears of what happens here. A secret is shown when it is made, never again."""

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from notify import clock, ids, settings
from notify.errors import InvalidRequest, NotFound
from notify.manage.webhook_rules import check, checked
from notify.model.names import World
from notify.pipeline.hook_calls import PREFIX
from notify.store import audit, cache, db, webhooks
from notify.store.webhooks import Destination, Secret

MAX_PER_WORLD = 100
BY_HAND = "Paused by hand."
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Made:
    """A destination, and its new secret in the clear (None: it has none)."""

    destination: Destination
    secret: str | None = field(repr=False)


def new_secret() -> str:
    """A fresh secret, in the form of Standard Webhooks."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def create(world: World, *, url: str, title: str, events: Sequence[str], secret: str | None) -> Made:
    """Add a destination; ``secret`` None: what it gets is not signed.

    Raises:
        InvalidRequest: something of it is wrong, or the world has as many as it may.
    """
    check(url, events)
    sealed = Secret(current=checked(secret)) if secret is not None else None
    id_ = ids.new()
    with db.begin() as tx:
        if webhooks.count(tx, world) >= MAX_PER_WORLD:
            raise InvalidRequest(f"There may be {MAX_PER_WORLD} webhooks at most.")
        webhooks.create(
            tx, world, id_, url=url, title=title, events=list(dict.fromkeys(events)), secret=sealed
        )
        made = _get(tx, world, id_)
        _record(tx, "created", made)
    _take_notice()
    return Made(made, secret)


def replace(world: World, id_: UUID, *, url: str, title: str, events: Sequence[str]) -> Destination:
    """Replace what a destination is; its secret and what it is still to be told stay.

    Raises:
        NotFound: there is no such destination.
        InvalidRequest: something of it is wrong.
    """
    check(url, events)
    return _changed("replaced", world, id_, url=url, title=title, events=list(dict.fromkeys(events)))


def get(world: World, id_: UUID) -> Destination:
    """One destination.

    Raises:
        NotFound: there is none with this id.
    """
    with db.begin() as tx:
        return _get(tx, world, id_)


def find(world: World, *, after: UUID | None, limit: int) -> Sequence[Destination]:
    """At most ``limit``, in the order they were made."""
    with db.begin() as tx:
        return webhooks.find(tx, world, after=after, limit=limit)


def archive(world: World, id_: UUID) -> None:
    """Remove a destination: what it was still to be told fails.

    Raises:
        NotFound: there is no such destination.
    """
    with db.begin() as tx:
        removed = _get(tx, world, id_, lock=True)
        webhooks.archive(tx, id_)
        _record(tx, "removed", removed)
    _take_notice()


def pause(world: World, id_: UUID, reason: str | None) -> Destination:
    """Hold back what a destination is to be told; one that is paused already keeps its reason.

    Raises:
        NotFound: there is no such destination.
    """
    with db.begin() as tx:
        _get(tx, world, id_, lock=True)
        webhooks.pause(tx, id_, reason or BY_HAND, clock.now())
        paused = _get(tx, world, id_)
        _record(tx, "paused", paused)
    _take_notice()
    return paused


def resume(world: World, id_: UUID) -> Destination:
    """Tell a destination again; what was held back waits to be replayed.

    Raises:
        NotFound: there is no such destination.
    """
    return _changed("resumed", world, id_, paused_at=None, pause_reason=None, failing_since=None, failures=0)


def rotate(world: World, id_: UUID, secret: str) -> Made:
    """Give a destination a new secret; for a while the one before it signs as well.

    Raises:
        NotFound: there is no such destination.
        InvalidRequest: the secret is not usable.
    """
    checked(secret)
    with db.begin() as tx:
        stored = _get(tx, world, id_, lock=True).secret()
        until = clock.now() + timedelta(seconds=settings.load().webhook_secret_overlap_s)
        new = Secret(
            current=secret,
            previous=stored.current if stored else None,
            previous_until=until if stored else None,
        )
        webhooks.change(tx, id_, secrets=new.seal())
        rotated = _get(tx, world, id_)
        _record(tx, "secret_rotated", rotated)
    _take_notice()
    return Made(rotated, secret)


def _changed(done: str, world: World, id_: UUID, **values: Any) -> Destination:
    with db.begin() as tx:
        _get(tx, world, id_, lock=True)
        webhooks.change(tx, id_, **values)
        changed = _get(tx, world, id_)
        _record(tx, done, changed)
    _take_notice()
    return changed


def _record(tx: db.Tx, done: str, destination: Destination) -> None:
    # Its URL may hold a token.
    told = {
        "title": destination.title,
        "host": urlsplit(destination.url).hostname,
        "events": destination.events,
    }
    target = ("webhook", destination.id)
    audit.record(tx, f"webhook.{done}", target, world=destination.world, after=told)


def _take_notice() -> None:
    """Sends that this process accepts from now on are told of accordingly; others look within seconds."""
    with db.begin() as tx:
        cache.refresh(tx)


def _get(tx: db.Tx, world: World, id_: UUID, *, lock: bool = False) -> Destination:
    found = webhooks.get(tx, world, id_, lock=lock)
    if found is None:
        raise NotFound("This webhook does not exist.")
    return found
