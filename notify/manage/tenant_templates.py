"""Tenants' own templates: what they say in place of the workspace's template of the same id."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from notify import clock
from notify.content.check import check
from notify.errors import InvalidRequest, NotFound
from notify.model.names import World
from notify.store import audit, db, tenant_templates, tenants
from notify.store.tenant_templates import Key, TenantTemplate

_VERSION = re.compile(r"^v(\d{1,9})$")
LATEST = "latest"


def put(key: Key, payload: dict[str, Any], *, publish: bool) -> tuple[int, bool, datetime | None]:
    """Store a new version: its number, whether the template is new, and when it was published, if it was.

    Raises:
        NotFound: there is no such tenant.
        InvalidRequest: the content is wrong.
    """
    at = clock.now() if publish else None
    content = payload["content"]
    _check(content)
    with db.begin() as tx:
        _tenant(tx, key)
        version, new = tenant_templates.put(tx, key, payload)
        if new and any(one.get("type") != "channel" for one in content.get("elements") or ()):
            raise InvalidRequest(
                "template.content: Template content must place its elements inside a channel block"
            )
        if at:
            tenant_templates.publish(tx, key, version, at)
        _record(tx, "created" if new else "replaced", key, {"version": version, "published": publish})
    return version, new, at


def _check(content: dict[str, Any]) -> None:
    short = any(content.get(word) is not None for word in ("title", "body"))
    # The short form is a send's; elements are checked as a template's.
    check({"version": "2022-01-01", **content}, template=not short, at="template.content")


def publish(key: Key, version: str) -> tuple[int, datetime]:
    """Have sends go by a version, ``v2`` or ``latest``: its number, and when.

    Raises:
        NotFound: there is no such tenant, template or version.
    """
    at = clock.now()
    with db.begin() as tx:
        found = _get(tx, key, version)
        tenant_templates.publish(tx, key, found.version, at)
        _record(tx, "published", key, {"version": found.version})
        return found.version, at


def get(key: Key, version: str | None = None) -> TenantTemplate:
    """A version, ``v2`` or ``latest``; None: the published one, or the newest while there is none.

    Raises:
        NotFound: there is no such tenant, template or version.
    """
    with db.begin() as tx:
        return _get(tx, key, version)


def find(world: World, tenant_id: str, *, after: str | None, limit: int) -> Sequence[TenantTemplate]:
    """At most ``limit`` of a tenant's, by id.

    Raises:
        NotFound: there is no such tenant.
    """
    with db.begin() as tx:
        _tenant(tx, Key(world, tenant_id, ""))
        return tenant_templates.find(tx, world, tenant_id, after=after, limit=limit)


def delete(key: Key) -> None:
    """Delete it; sends go by the workspace's template again.

    Raises:
        NotFound: there is no such tenant or template.
    """
    with db.begin() as tx:
        if not tenant_templates.delete(tx, key):
            raise _missing(key)
        _record(tx, "deleted", key)


def _get(tx: db.Tx, key: Key, version: str | None) -> TenantTemplate:
    latest = tenant_templates.get(tx, key)
    if latest is None:
        raise _missing(key)
    number = _number(latest, version)
    found = latest if number == latest.version else tenant_templates.get(tx, key, number)
    if found is None:
        raise NotFound(f"Template {key.id!r} has no version {version!r}.")
    return found


def _number(latest: TenantTemplate, version: str | None) -> int:
    if version is None:
        return latest.published_version or latest.version
    if version == LATEST:
        return latest.version
    match = _VERSION.match(version)
    return int(match[1]) if match and int(match[1]) < 2**31 else 0


def _tenant(tx: db.Tx, key: Key) -> None:
    if not tenants.exists(tx, key.world, key.tenant_id):
        raise NotFound(f"Tenant {key.tenant_id!r} does not exist.")


def _missing(key: Key) -> NotFound:
    return NotFound(f"Tenant {key.tenant_id!r} has no template {key.id!r}.")


def _record(tx: db.Tx, done: str, key: Key, after: dict[str, Any] | None = None) -> None:
    target = ("tenant_template", f"{key.tenant_id}/{key.id}")
    audit.record(tx, f"tenant_template.{done}", target, world=key.world, after=after)
