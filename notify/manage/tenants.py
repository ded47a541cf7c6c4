"""Tenants: what people do to them, to their topics' defaults and to their members."""

from collections.abc import Mapping
from typing import Any

from notify.errors import InvalidRequest, NotFound
from notify.manage.audience_news import Watch, later
from notify.manage.templates import Wake
from notify.model.names import World
from notify.store import audit, db, tenant_lines, tenant_members, tenants, topics
from notify.store.tenant_members import Membership
from notify.store.tenants import StoredTenant, TopicDefault


def find(world: World, *, parent: str | None, after: str | None, limit: int) -> list[StoredTenant]:
    """At most ``limit``, by id; only the direct children of ``parent``, if it is given."""
    with db.begin() as tx:
        return tenants.find(tx, world, parent=parent, after=after, limit=limit)


def get(world: World, id_: str) -> StoredTenant:
    """One tenant.

    Raises:
        NotFound: there is none.
    """
    with db.begin() as tx:
        return _get(tx, world, id_)


def put(world: World, new: StoredTenant) -> StoredTenant:
    """Create or replace a tenant with the defaults of its topics; its members stay.

    Raises:
        InvalidRequest: its parent does not exist, or is one of its own descendants; a topic does not exist.
    """
    with db.begin() as tx:
        tenants.hold_tree(tx, world)
        _check_parent(tx, world, new)
        _check_defaults(tx, world, new)
        created = tenants.put(tx, world, new)
        tenants.replace_defaults(tx, world, new.id, {one.topic_id: one for one in new.defaults})
        done = "tenant.created" if created else "tenant.replaced"
        after = {"name": new.name, "parent": new.parent_id, "brand": new.brand_id}
        audit.record(tx, done, ("tenant", new.id), world=world, after=after)
        return _get(tx, world, new.id)


def _check_parent(tx: db.Tx, world: World, new: StoredTenant) -> None:
    if new.parent_id is None:
        return
    above = tenant_lines.above(tx, world, new.parent_id)
    if not above:
        raise InvalidRequest(f"parent_tenant_id: tenant {new.parent_id!r} does not exist")
    if new.id in above or new.id == new.parent_id:
        raise InvalidRequest("parent_tenant_id: a tenant cannot be below itself")
    if len(above) >= tenant_lines.MAX_DEPTH:
        raise InvalidRequest(f"parent_tenant_id: at most {tenant_lines.MAX_DEPTH} tenants above one another")


def _check_defaults(tx: db.Tx, world: World, new: StoredTenant) -> None:
    if not new.defaults:
        return
    # What was archived since is shown with the tenant, and may be sent back as it was.
    old = tenants.defaults(tx, world, [new.id]).get(new.id, ())
    known = {one.id for one in topics.topics(tx, world)} | {one.topic_id for one in old}
    if unknown := next((one.topic_id for one in new.defaults if one.topic_id not in known), None):
        raise InvalidRequest(f"default_preferences.items: the topic {unknown!r} does not exist")


def delete(world: World, id_: str) -> None:
    """Delete a tenant with its memberships, defaults and templates; its children become roots.

    Its users stay.

    Raises:
        NotFound: there is none.
    """
    with db.begin() as tx:
        tenants.hold_tree(tx, world)
        if not tenants.remove(tx, world, id_):
            raise _missing(id_)
        audit.record(tx, "tenant.deleted", ("tenant", id_), world=world)


def _get(tx: db.Tx, world: World, id_: str) -> StoredTenant:
    found = tenants.get(tx, world, id_)
    if found is None:
        raise _missing(id_)
    return found


def _missing(id_: str) -> NotFound:
    return NotFound(f"Tenant {id_!r} does not exist.")


# --- defaults of topics


def put_default(world: World, id_: str, item: TopicDefault) -> None:
    """Set what the tenant's users have of a topic until they say otherwise.

    Raises:
        NotFound: there is no such tenant, or no such topic.
    """
    with db.begin() as tx:
        if not tenants.exists(tx, world, id_):
            raise _missing(id_)
        if not topics.topics(tx, world, topic_id=item.topic_id):
            raise NotFound(f"The topic {item.topic_id!r} does not exist.")
        tenants.put_defaults(tx, world, id_, [item])
        after = {"topic": item.topic_id, "status": item.status}
        audit.record(tx, "tenant.default_set", ("tenant", id_), world=world, after=after)


def drop_default(world: World, id_: str, topic_id: str) -> None:
    """Have the tenant say nothing of a topic.

    Raises:
        NotFound: there is no such tenant, or it says nothing of it.
    """
    with db.begin() as tx:
        if not tenants.drop_default(tx, world, id_, topic_id):
            raise NotFound(f"Tenant {id_!r} has no default for the topic {topic_id!r}.")
        audit.record(tx, "tenant.default_dropped", ("tenant", id_), world=world, before={"topic": topic_id})


# --- members


def members(world: World, id_: str, *, after: str | None, limit: int) -> list[Membership]:
    """At most ``limit`` of the tenant's members, by user id.

    Raises:
        NotFound: there is no such tenant.
    """
    with db.begin() as tx:
        if not tenants.exists(tx, world, id_):
            raise _missing(id_)
        return tenant_members.of_tenant(tx, world, id_, after=after, limit=limit)


def of_user(world: World, user_id: str, *, after: str | None, limit: int) -> list[Membership]:
    """At most ``limit`` of the user's tenants, by id."""
    with db.begin() as tx:
        return tenant_members.of_user(tx, world, user_id, after=after, limit=limit)


def join(
    world: World, user_id: str, wanted: Mapping[str, Mapping[str, Any] | None], *, wake: Wake = later
) -> None:
    """Have the user be a member of these tenants, with what they are there; their others stay.

    Raises:
        NotFound: one of them does not exist; nothing was done.
    """
    with db.begin() as tx:
        if (unknown := tenant_members.missing(tx, world, sorted(wanted))) is not None:
            raise _missing(unknown)
        watch = Watch(tx, world, user_id)
        tenant_members.put(tx, world, {(id_, user_id): profile for id_, profile in wanted.items()})
        told = watch.told()
    wake(told)


def admit(world: World, tenant_id: str, members: Mapping[str, Mapping[str, Any] | None]) -> None:
    """Have these users be members of a tenant, with what they are there; its others stay.

    Raises:
        NotFound: there is no such tenant.
    """
    with db.begin() as tx:
        if tenant_members.missing(tx, world, [tenant_id]) is not None:
            raise _missing(tenant_id)
        tenant_members.put(tx, world, {(tenant_id, user_id): own for user_id, own in members.items()})


def leave(world: World, user_id: str, tenant_id: str, *, wake: Wake = later) -> None:
    """Take the user out of a tenant.

    Raises:
        NotFound: they are no member.
    """
    with db.begin() as tx:
        watch = Watch(tx, world, user_id)
        if not tenant_members.remove(tx, world, user_id, tenant_id):
            raise NotFound(f"User {user_id!r} is not a member of the tenant {tenant_id!r}.")
        told = watch.told()
    wake(told)


def leave_all(world: World, user_id: str, *, wake: Wake = later) -> None:
    """Take the user out of every tenant."""
    with db.begin() as tx:
        watch = Watch(tx, world, user_id)
        tenant_members.remove(tx, world, user_id)
        told = watch.told()
    wake(told)
