"""Templates: create, publish, read, replace, archive. Sends render the published version."""

import re
from collections.abc import Sequence
from typing import Any

from notify import ids
from notify.content.check import check
from notify.errors import InvalidRequest, NotFound
from notify.model.names import World
from notify.store import db, templates
from notify.store.templates import Template

REQUIRED = ("name", "tags", "brand", "subscription", "routing", "content")
_VERSION = re.compile(r"^v(\d{1,9})$")


def create(world: World, notification: dict[str, Any], *, publish_now: bool) -> Template:
    """Store a new template, as a draft or published at once.

    Raises:
        InvalidRequest: a required key is missing or the content is wrong.
        Conflict: another template has the alias.
    """
    payload, alias = _payload(notification), notification.get("alias")
    _check_blocks(payload["content"])
    id_ = f"nt_{ids.new().hex}"
    with db.begin() as tx:
        templates.create(tx, world, id_, _alias(alias), payload)
        if publish_now:
            templates.publish(tx, id_, payload)
        return _get(tx, world, id_)


def replace(world: World, id_: str, notification: dict[str, Any], *, publish_now: bool) -> Template:
    """Replace the draft (and with ``publish_now`` the published version); an omitted alias stays.

    Raises:
        NotFound: there is no such template.
        InvalidRequest: a required key is missing or the content is wrong.
        Conflict: another template has the alias.
    """
    with db.begin() as tx:
        stored = _get(tx, world, id_, lock=True)
        payload = _payload(notification)
        alias = _alias(notification["alias"]) if "alias" in notification else stored.alias
        templates.replace(tx, id_, alias, payload)
        if publish_now:
            templates.publish(tx, id_, payload)
        return _get(tx, world, id_)


def publish(world: World, id_: str, version: str | None = None) -> None:
    """Publish the draft, or an old version again as a new one.

    Raises:
        NotFound: there is no such template or version.
    """
    with db.begin() as tx:
        stored = _get(tx, world, id_, lock=True)
        templates.publish(tx, id_, _version(tx, stored, version or "draft"))


def get(world: World, id_: str, version: str) -> tuple[Template, dict[str, Any]]:
    """A template and the payload of one of its versions: ``published``, ``draft`` or ``v003``.

    Raises:
        NotFound: there is no such template or version.
    """
    with db.begin() as tx:
        stored = _get(tx, world, id_)
        return stored, _version(tx, stored, version)


def find(world: World, *, before: str | None, limit: int) -> Sequence[Template]:
    with db.begin() as tx:
        return templates.find(tx, world, before=before, limit=limit)


def archive(world: World, id_: str) -> None:
    """Archive: no longer sendable, the log of what was sent stays readable.

    Raises:
        NotFound: there is no such template.
    """
    with db.begin() as tx:
        if not templates.archive(tx, world, id_):
            raise NotFound(f"Template {id_!r} does not exist.")


def _get(tx: db.Tx, world: World, id_: str, *, lock: bool = False) -> Template:
    found = templates.get(tx, world, id_, lock=lock)
    if found is None:
        raise NotFound(f"Template {id_!r} does not exist.")
    return found


def _version(tx: db.Tx, stored: Template, version: str) -> dict[str, Any]:
    if version == "draft":
        return stored.draft
    number = _VERSION.match(version)
    payload = templates.version(tx, stored.id, int(number[1])) if number else stored.published
    if payload is None or (number is None and version != "published"):
        raise NotFound(f"Template {stored.id!r} has no version {version!r}.")
    return payload


def _payload(notification: dict[str, Any]) -> dict[str, Any]:
    for key in REQUIRED:
        if key not in notification:
            raise InvalidRequest(f"notification.{key}: Field required")
    check(notification["content"], template=True, at="notification.content")
    if routing := notification["routing"]:
        raise InvalidRequest(f"Routing strategy {routing['strategy_id']} not found")
    kept = (*REQUIRED, "email", "guarantee")
    return {key: notification[key] for key in kept if key in notification}


def _check_blocks(content: dict[str, Any]) -> None:
    """New templates say for which channels they are; a replacement may be flat, as the reference has it."""
    if any(element.get("type") != "channel" for element in content.get("elements") or ()):
        raise InvalidRequest(
            "notification.content: Template content must place its elements inside a channel block"
        )


def _alias(alias: str | None) -> str | None:
    if alias is not None and alias.startswith("tenant/"):
        raise InvalidRequest("notification.alias: may not begin with 'tenant/'")
    return alias
