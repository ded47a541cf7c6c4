"""Templates: create, publish, read, replace, archive. Sends render the published version."""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from notify import clock, ids, settings
from notify.clock import to_ms
from notify.content import envelope, identity
from notify.content.check import check
from notify.errors import Conflict, InvalidRequest, NotFound, Taken
from notify.model.hook import HookEvent, News
from notify.model.names import Channel, World
from notify.model.work import Handoff
from notify.pipeline import announcing
from notify.providers.registry import REGISTRY
from notify.store import audit, brands, cache, db, routing_strategies, submissions, templates, topics
from notify.store.templates import Template, Version

Wake = Callable[[Handoff], object]
"""Publishes what follows."""

REQUIRED = ("name", "tags", "brand", "subscription", "routing", "content")
_VERSION = re.compile(r"^v(\d{1,9})$")
_EMAIL = {"default", *(key for key, one in REGISTRY.items() if Channel.EMAIL in one.channels), Channel.EMAIL}


def create(
    world: World, notification: dict[str, Any], *, publish_now: bool, wake: Wake
) -> tuple[Template, bool]:
    """Store a new template, as a draft or published at once; whether it is published.

    Raises:
        InvalidRequest: a required key is missing, the content is wrong, or it names what is not there.
        Conflict: another template has the alias.
    """
    payload = _payload(notification)
    _check_blocks(payload["content"])
    with db.begin() as tx:
        created = _create(tx, world, f"nt_{ids.new().hex}", notification.get("alias"), payload)
        done = _release(tx, created, publish_now=publish_now)
    wake(done.told)
    return done.template, done.published


def put(
    world: World, id_: str, notification: dict[str, Any], *, publish_now: bool, wake: Wake
) -> tuple[Template, bool]:
    """Replace the template with this id, or create it; an archived one is back. As ``create`` otherwise.

    Raises:
        Taken: the other world has one with this id.
    """
    with db.begin() as tx:
        owner = templates.owner(tx, id_)
        if owner not in (None, world):
            raise Taken(f"The other world has a template {id_!r}.")
        if owner is None:
            payload = _payload(notification)
            kept = _create(tx, world, id_, notification.get("alias"), payload)
        else:
            templates.unarchive(tx, id_)
            kept = _replace(tx, world, id_, notification)
        done = _release(tx, kept, publish_now=publish_now)
    wake(done.told)
    return done.template, done.published


def replace(
    world: World, id_: str, notification: dict[str, Any], *, publish_now: bool, wake: Wake
) -> tuple[Template, bool]:
    """Replace the draft (and with ``publish_now`` the published version); an omitted alias or email stays.

    Raises:
        NotFound: there is no such template.
        InvalidRequest: a required key is missing, the content is wrong, or it names what is not there.
        Conflict: another template has the alias, or the draft waits for approval.
    """
    with db.begin() as tx:
        done = _release(tx, _replace(tx, world, id_, notification), publish_now=publish_now)
    wake(done.told)
    return done.template, done.published


class _Kept(NamedTuple):
    """A draft as it was just stored; ``action``: of the audit log."""

    action: str
    world: World
    id: str
    payload: dict[str, Any]


class _Released(NamedTuple):
    template: Template
    published: bool
    told: Handoff


def _create(tx: db.Tx, world: World, id_: str, alias: str | None, payload: dict[str, Any]) -> _Kept:
    _check_references(tx, world, payload)
    templates.create(tx, world, id_, _alias(alias), payload)
    return _Kept("template.created", world, id_, payload)


def _replace(tx: db.Tx, world: World, id_: str, notification: dict[str, Any]) -> _Kept:
    before = stored(tx, world, id_, lock=True)
    payload = _payload(notification, before.draft)
    _check_references(tx, world, payload)
    _refuse_locked(tx, id_)
    alias = _alias(notification["alias"]) if "alias" in notification else before.alias
    templates.replace(tx, id_, alias, payload)
    return _Kept("template.replaced", world, id_, payload)


def _release(tx: db.Tx, kept: _Kept, *, publish_now: bool) -> _Released:
    published, told = release(tx, kept.world, kept.id, kept.payload) if publish_now else (False, ())
    after = {"name": kept.payload["name"], "published": published}
    audit.record(tx, kept.action, ("template", kept.id), world=kept.world, after=after)
    return _Released(stored(tx, kept.world, kept.id), published, told)


def publish(world: World, id_: str, version: str | None = None, *, wake: Wake) -> None:
    """Publish the draft, or an old version again as a new one; a draft that needs approval is submitted.

    Raises:
        NotFound: there is no such template or version.
        Conflict: the draft waits for approval.
    """
    with db.begin() as tx:
        before = stored(tx, world, id_, lock=True)
        payload = _version(tx, before, version or "draft")
        if (version or "draft") == "draft":
            _refuse_locked(tx, id_)
            published, told = release(tx, world, id_, payload)
        else:
            # It was approved when it was new.
            published, told = True, publish_now(tx, world, id_, payload)
        done = "template.published" if published else "template.submitted"
        audit.record(tx, done, ("template", id_), world=world, after={"version": version or "draft"})
    wake(told)


def release(tx: db.Tx, world: World, id_: str, payload: dict[str, Any]) -> tuple[bool, Handoff]:
    """Publish the draft, or submit it where checks are configured; whether it is published, and wake-ups."""
    if names := settings.load().template_checks:
        return False, _submit(tx, world, id_, names)
    return True, publish_now(tx, world, id_, payload)


def _submit(tx: db.Tx, world: World, id_: str, names: Sequence[str]) -> Handoff:
    now = clock.now()
    submission_id = str(to_ms(now))
    checks = [{"id": n, "type": "custom", "status": "PENDING", "updated": to_ms(now)} for n in names]
    submissions.add(tx, id_, submission_id, checks)
    data = {"id": id_, "submission_id": submission_id}
    news = News(world=world, type=HookEvent.NOTIFICATION_SUBMITTED, at=now, data=data)
    return announcing.announce(tx, [news])


def publish_now(
    tx: db.Tx, world: World, id_: str, payload: dict[str, Any], submission_id: str | None = None
) -> Handoff:
    """Publish, and tell of it; return the wake-ups for that."""
    templates.publish(tx, id_, payload)
    now = clock.now()
    # Where nothing is submitted for approval, the submission is the publishing.
    data = {"id": id_, "submission_id": submission_id or to_ms(now), "published_at": to_ms(now)}
    news = News(world=world, type=HookEvent.NOTIFICATION_PUBLISHED, at=now, data=data)
    return announcing.announce(tx, [news])


def unlocked(tx: db.Tx, world: World, id_: str) -> Template:
    """A template whose draft is about to be changed, locked until this transaction ends.

    Raises:
        NotFound: there is no such template.
        Conflict: the draft waits for approval.
    """
    found = stored(tx, world, id_, lock=True)
    _refuse_locked(tx, id_)
    return found


def _refuse_locked(tx: db.Tx, id_: str) -> None:
    if pending := submissions.pending(tx, id_):
        raise Conflict(f"The draft waits for approval (submission {pending}); cancel that to edit it.")


def get(world: World, id_: str, version: str) -> tuple[Template, dict[str, Any]]:
    """A template and the payload of one of its versions: ``published``, ``draft`` or ``v003``.

    Raises:
        NotFound: there is no such template or version.
    """
    with db.begin() as tx:
        found = stored(tx, world, id_)
        return found, _version(tx, found, version)


def find(
    world: World, *, before: str | None, limit: int, tags: Sequence[str] = (), alias: str | None = None
) -> Sequence[Template]:
    """At most ``limit``, newest first: those with all of these tags, and with this alias, if it is given."""
    with db.begin() as tx:
        return templates.find(tx, world, before=before, limit=limit, tags=tags, alias=alias)


def versions(world: World, id_: str, *, before: int | None, limit: int) -> tuple[Template, Sequence[Version]]:
    """The template, and at most ``limit`` of its published versions, newest first.

    Raises:
        NotFound: there is no such template.
    """
    with db.begin() as tx:
        found = stored(tx, world, id_)
        return found, templates.versions(tx, id_, before=before, limit=limit)


def archive(world: World, id_: str) -> None:
    """Archive: no longer sendable, the log of what was sent stays readable.

    Raises:
        NotFound: there is no such template.
    """
    with db.begin() as tx:
        if not templates.archive(tx, world, id_):
            raise NotFound(f"Template {id_!r} does not exist.")
        audit.record(tx, "template.archived", ("template", id_), world=world)


def stored(tx: db.Tx, world: World, id_: str, *, lock: bool = False) -> Template:
    """The template, unless it is archived.

    Raises:
        NotFound: there is none with this id.
    """
    found = templates.get(tx, world, id_, lock=lock)
    if found is None:
        raise NotFound(f"Template {id_!r} does not exist.")
    return found


def _version(tx: db.Tx, template: Template, version: str) -> dict[str, Any]:
    if version == "draft":
        return template.draft
    number = _VERSION.match(version)
    payload = templates.version(tx, template.id, int(number[1])) if number else template.published
    if payload is None or (number is None and version != "published"):
        raise NotFound(f"Template {template.id!r} has no version {version!r}.")
    return payload


def new_element_id() -> str:
    """A fresh id for an element."""
    return f"elem_{ids.new().hex}"


def _payload(notification: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, Any]:
    for key in REQUIRED:
        if key not in notification:
            raise InvalidRequest(f"notification.{key}: Field required")
    content = notification["content"]
    check(content, template=True, at="notification.content")
    envelope.check(notification.get("email"), "notification.email")
    kept = (*REQUIRED, "email", "guarantee")
    given = {**({"email": before["email"]} if before and before.get("email") else {}), **notification}
    payload = {key: given[key] for key in kept if key in given}
    if not given.get("email") or not _has_email(content):
        payload.pop("email", None)
    elements = (before or {}).get("content", {}).get("elements") or ()
    identified = identity.identified(content.get("elements") or (), new_element_id, elements)
    return {**payload, "content": {**content, "elements": identified}}


def _has_email(content: dict[str, Any]) -> bool:
    """Is there anything for email? Content without channel blocks is for all channels."""
    blocks = [one for one in content.get("elements") or () if one.get("type") == "channel"]
    return not blocks or any(one.get("channel") in _EMAIL for one in blocks)


def _check_references(tx: db.Tx, world: World, payload: dict[str, Any]) -> None:
    """What a template names is there, and stays until this transaction ends."""
    named = (payload["routing"] or {}).get("strategy_id")
    if named and routing_strategies.get(tx, world, named, hold=True) is None:
        raise InvalidRequest(f"Routing strategy {named} not found")
    if topic := payload["subscription"]:
        cache.refresh(tx)
        if topic["topic_id"] not in topics.of_world(tx, world):
            raise InvalidRequest(f"Subscription topic {topic['topic_id']} not found")
    if (brand := payload["brand"]) and brands.get(tx, world, brand["id"]) is None:
        raise InvalidRequest(f"Brand {brand['id']} not found")


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
