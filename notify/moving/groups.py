"""Who belongs where: tenants with members and templates, lists with subscribers, audiences."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

from pydantic import ValidationError

from notify.api import list_views, tenant_views
from notify.api.audiences import AudienceBody
from notify.api.storable import storable
from notify.api.tenant_templates import PutBody
from notify.errors import NotifyError
from notify.manage import audiences as manage_audiences
from notify.manage import lists as manage_lists
from notify.manage import tenant_templates, topics
from notify.manage import tenants as manage_tenants
from notify.moving.carrying import Mover, reason
from notify.moving.source import Json, Page
from notify.store.tenant_templates import Key

TENANTS, MEMBERS, TENANT_TEMPLATES = "tenants", "members", "tenant templates"
LISTS, SUBSCRIPTIONS, AUDIENCES = "lists", "subscriptions", "audiences"
_PAGE = 100


def tenants(mover: Mover) -> set[str]:
    """Tenants, parents first, whatever the order they come in; return those that are here."""
    known = {topic.id for _, inside in topics.sections(mover.world) for topic in inside}
    waiting: dict[str, list[tuple[str, Json]]] = defaultdict(list)
    here: set[str] = set()
    for id_, row in mover.rows(TENANTS, "tenants", limit=_PAGE):
        parent = row.get("parent_tenant_id")
        if isinstance(parent, str) and parent not in here:
            waiting[parent].append((id_, row))
        else:
            _with_children(mover, id_, row, waiting, here, known)
    for id_, _ in (one for left in waiting.values() for one in left):
        mover.refuse(TENANTS, id_, "its parent was not carried, or is below it")
    return here


def _with_children(
    mover: Mover,
    id_: str,
    row: Json,
    waiting: dict[str, list[tuple[str, Json]]],
    here: set[str],
    known: set[str],
) -> None:
    ready = [(id_, row)]
    while ready:
        id_, row = ready.pop()
        if _tenant(mover, id_, row, known):
            here.add(id_)
            ready += waiting.pop(id_, [])


def _tenant(mover: Mover, id_: str, row: Json, known: set[str]) -> bool:
    def write(body: tenant_views.TenantBody) -> Iterable[str]:
        wanted = body.default_preferences.items if body.default_preferences else None
        unknown = [one for one in wanted or () if one.id not in known]
        if body.default_preferences:
            body.default_preferences.items = [one for one in wanted or () if one.id in known]
        manage_tenants.put(mover.world, tenant_views.stored(id_, body))
        return [f"its default for the topic {one.id}, which is not here" for one in unknown]

    return mover.carry(TENANTS, id_, row, lambda: tenant_views.TenantBody.model_validate(row), write)


class _First(NamedTuple):
    """The first pages of what a tenant has."""

    members: Page
    templates: Page


def tenants_own(mover: Mover, tenant_ids: Iterable[str]) -> None:
    """Members and templates of the tenants that are here."""

    def read(id_: str) -> _First:
        first = (mover.source.page("tenants", id_, what, limit=_PAGE) for what in ("users", "templates"))
        return _First(*first)

    for id_, first in mover.ahead(read, tenant_ids):
        if isinstance(first, NotifyError):
            mover.refuse(MEMBERS, id_, reason(first))
            continue
        _members(mover, id_, first.members)
        _templates(mover, id_, first.templates)


def _members(mover: Mover, tenant_id: str, first: Page) -> None:
    def write(members: dict[str, Any]) -> None:
        manage_tenants.admit(mover.world, tenant_id, members)

    pages = mover.pages(MEMBERS, "tenants", tenant_id, "users", begin=first, limit=_PAGE)
    for number, page in enumerate(pages, start=1):
        rows = dict(mover.named(MEMBERS, page, "user_id"))
        mover.state.meet(rows, tenant_id)
        _carry_page(mover, MEMBERS, f"{tenant_id} page {number}", rows, _membership, write)


def _membership(row: Json) -> Json | None:
    return tenant_views.MembershipBody.model_validate(row).profile


def _carry_page(
    mover: Mover, kind: str, name: str, rows: dict[str, Json], read: Callable[[Json], Any], write: Any
) -> None:
    """Those of a page's rows that are sound, at once; the others are reported."""
    sound: dict[str, Any] = {}
    for id_, row in rows.items():
        try:
            sound[id_] = read(row)
        except (NotifyError, ValidationError) as error:
            mover.refuse(kind, f"{name}: {id_}", reason(error))
    if sound:
        given = [rows[id_] for id_ in sound]
        mover.carry(kind, name, given, lambda: sound, write, weight=len(sound))


def _templates(mover: Mover, tenant_id: str, first: Page) -> None:
    def read(id_: str) -> list[Json]:
        shown = mover.source.get("tenants", tenant_id, "templates", id_)
        latest = mover.source.get("tenants", tenant_id, "templates", id_, "versions", "latest")
        return [shown] if shown.get("version") == latest.get("version") else [shown, latest]

    pages = mover.pages(TENANT_TEMPLATES, "tenants", tenant_id, "templates", begin=first, limit=_PAGE)
    ids = (id_ for page in pages for id_, _ in mover.named(TENANT_TEMPLATES, page))
    for id_, versions in mover.ahead(read, ids):
        name = f"{tenant_id}/{id_}"
        if isinstance(versions, NotifyError):
            mover.refuse(TENANT_TEMPLATES, name, reason(versions))
            continue
        _tenant_template(mover, name, Key(mover.world, tenant_id, id_), versions)


def _tenant_template(mover: Mover, name: str, key: Key, versions: list[Json]) -> None:
    def parse() -> list[PutBody]:
        return [
            PutBody.model_validate({"template": one.get("data"), "published": bool(one.get("published_at"))})
            for one in versions
        ]

    def write(bodies: list[PutBody]) -> None:
        for body in bodies:
            payload = storable(body.template.model_dump(exclude_none=True))
            tenant_templates.put(key, payload, publish=body.published)

    mover.carry(TENANT_TEMPLATES, name, [one.get("data") for one in versions], parse, write)


def lists(mover: Mover) -> None:
    """Lists with who is on them; what a list itself prefers is not told by servers."""
    for id_, row in mover.rows(LISTS, "lists"):
        own = {name: row.get(name) for name in ("name", "preferences")}
        parse = partial(list_views.ListBody.model_validate, own)
        if mover.carry(LISTS, id_, own, parse, partial(_list, mover, id_)):
            _subscriptions(mover, id_)


def _list(mover: Mover, id_: str, body: list_views.ListBody) -> None:
    manage_lists.put(mover.world, id_, body.name, list_views.written(body.preferences))


def _subscriptions(mover: Mover, list_id: str) -> None:
    def write(users: dict[str, Any]) -> None:
        manage_lists.subscribe_users(mover.world, list_id, users)

    for number, page in enumerate(mover.pages(SUBSCRIPTIONS, "lists", list_id, "subscriptions"), start=1):
        rows = dict(mover.named(SUBSCRIPTIONS, page, "recipientId"))
        mover.state.meet(rows)
        _carry_page(mover, SUBSCRIPTIONS, f"{list_id} page {number}", rows, _subscription, write)


def _subscription(row: Json) -> Json | None:
    return list_views.written(list_views.SubscriptionBody.model_validate(row).preferences)


def audiences(mover: Mover) -> None:
    """Audiences with their filters; who is in them is found anew."""
    for id_, row in mover.rows(AUDIENCES, "audiences"):
        own = {name: row.get(name) for name in AudienceBody.model_fields}
        parse = partial(AudienceBody.model_validate, own)
        if mover.carry(AUDIENCES, id_, own, parse, partial(_audience, mover, id_)):
            for page in mover.pages(AUDIENCES, "audiences", id_, "members"):
                mover.state.meet(identified(page, "member_id"))


def _audience(mover: Mover, id_: str, body: AudienceBody) -> None:
    manage_audiences.put(mover.world, id_, body.change())


def identified(rows: Iterable[Any], key: str) -> Iterator[str]:
    """The ids of users in these rows; what has none is nobody."""
    for row in rows:
        if isinstance(row, dict) and isinstance(id_ := row.get(key), str) and 0 < len(id_) <= 512:
            yield id_
