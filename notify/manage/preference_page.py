"""The hosted preference page: published by those who run the workspace, used by those who get its messages.

Whoever holds a link has proven who they are: it came with a message of theirs and is signed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from notify import acting, clock, ids
from notify.clock import to_ms
from notify.errors import NotFound
from notify.manage import preference_changes, preference_lookup, topics
from notify.manage.preference_lookup import Preferences, Whose
from notify.model.names import World
from notify.model.preference import Choice, Consent, Topic
from notify.model.work import Handoff
from notify.pipeline import preference_links
from notify.pipeline.preference_links import Link, Person
from notify.preferences import brand as looks
from notify.preferences import page as pages
from notify.preferences.brand import PLAIN, Brand
from notify.preferences.change import Wish
from notify.preferences.page import Page
from notify.store import audit, brands, cache, db, preference_pages, user_preferences
from notify.store.preference_pages import Published

Wake = Callable[[Handoff], object]
"""Publishes what follows."""
_WORDS = (None, "default", "none")
"""Instead of a brand's id; None is the default, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A page as it looks. ``saved``: what they chose holds now."""

    page: Page
    brand: Brand
    saved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """A topic that somebody may leave. ``required``: they cannot. ``left``: they have."""

    topic: Topic
    brand: Brand
    page_url: str
    required: bool
    left: bool


def publish(
    world: World, *, brand_id: str | None, heading: str | None, description: str | None
) -> tuple[Published, str]:
    """Have the page show sections and topics as they are now; with the URL of its preview.

    Raises:
        NotFound: there is no such brand.
    """
    whole = topics.sections(world)
    page = pages.snapshot(whole, heading=heading, description=description, brand_id=brand_id)
    with db.begin() as tx:
        if brand_id not in _WORDS and not brands.exists(tx, world, brand_id or ""):
            raise NotFound(f"The brand {brand_id!r} does not exist.")
        now, before = clock.now(), preference_pages.newest(tx, world)
        new = Published(
            id=f"pp_{ids.new().hex}",
            version=max(to_ms(now) or 0, before.version + 1 if before else 0),
            page=page,
            published_at=now,
            published_by=acting.who().id,
        )
        preference_pages.publish(tx, world, new)
        told = {"version": new.version, "heading": page["heading"]}
        audit.record(tx, "preference_page.published", ("preference_page", new.id), world=world, after=told)
    return new, preference_links.url(Link.PREVIEW, Person(world, ""))


# --- for those who get messages


def look(person: Person) -> Shown:
    """The page as this person sees it."""
    with db.begin() as tx:
        return _shown(tx, person, preference_lookup.load(tx, _whose(person)))


def preview(world: World) -> Shown:
    """The page as it would be published now, for nobody in particular."""
    drafts = pages.snapshot(topics.sections(world))
    with db.begin() as tx:
        known = preference_lookup.load(tx, Whose(world=world, user_id=""))
        brand = _brand(tx, world, preference_pages.newest(tx, world))
    return Shown(page=pages.shown(drafts, _wanted(known)), brand=brand)


def save(person: Person, fields: Iterable[tuple[str, str]], *, wake: Wake) -> Shown:
    """Have what they filled in hold, all of it or, with the problems shown, nothing."""
    form, whose = pages.read(fields), _whose(person)
    with db.begin() as tx:
        user_preferences.hold(tx, person.world, person.user_id)
        known = preference_lookup.load(tx, whose)
        before = _shown(tx, person, known)
        wishes, problems = pages.wishes(before.page, form, _own(known), clock.now())
        if problems:
            return Shown(page=pages.again(before.page, form, problems), brand=before.brand)
        told = preference_changes.apply(tx, whose, known, wishes)
        after = _shown(tx, person, preference_lookup.load(tx, whose))
    wake(told)
    return Shown(page=after.page, brand=after.brand, saved=True)


def may_leave(person: Person) -> Leaving:
    """What following an unsubscribe link is about; changes nothing.

    Raises:
        NotFound: the topic is gone.
    """
    with db.begin() as tx:
        return _leaving(tx, person, preference_lookup.load(tx, _whose(person), person.topic_id))


def leave(person: Person, *, wake: Wake) -> Leaving:
    """Opt out of the topic of an unsubscribe link, unless it is required.

    Raises:
        NotFound: the topic is gone.
    """
    whose, topic_id = _whose(person), person.topic_id or ""
    with db.begin() as tx:
        user_preferences.hold(tx, person.world, person.user_id)
        known = preference_lookup.load(tx, whose, topic_id)
        told: Handoff = ()
        if not _leaving(tx, person, known).required:
            own = _own(known)[topic_id]
            wish = Wish(
                topic_id=topic_id, status=Consent.OPTED_OUT, custom=own.custom, routing=tuple(own.routing)
            )
            told = preference_changes.apply(tx, whose, known, [wish])
        after = _leaving(tx, person, preference_lookup.load(tx, whose, topic_id))
    wake(told)
    return after


def _leaving(tx: db.Tx, person: Person, known: Preferences) -> Leaving:
    found = preference_lookup.one(known, person.topic_id or "").wanted
    return Leaving(
        topic=found.topic,
        brand=_brand(tx, person.world, preference_pages.newest(tx, person.world)),
        page_url=preference_links.url(Link.PAGE, person._replace(topic_id=None)),
        required=found.default is Consent.REQUIRED,
        left=found.status is Consent.OPTED_OUT and found.until is None,
    )


def _shown(tx: db.Tx, person: Person, known: Preferences) -> Shown:
    published = preference_pages.newest(tx, person.world)
    page = published.page if published else _current(known)
    return Shown(page=pages.shown(page, _wanted(known)), brand=_brand(tx, person.world, published))


def _current(known: Preferences) -> dict[str, Any]:
    """Never published: as everything is now."""
    by_section: dict[str, list[Topic]] = {}
    for one in known.values():
        by_section.setdefault(one.topic.section.id, []).append(one.topic)
    return pages.snapshot((found[0].section, found) for found in by_section.values())


def _brand(tx: db.Tx, world: World, published: Published | None) -> Brand:
    """The one that was published with the page; the default one, if none was."""
    id_ = published.page.get("brand_id") if published else None
    if id_ == "none":
        return PLAIN
    cache.refresh(tx)
    name = (world, None if id_ in _WORDS else id_)
    found = brands.sendable(tx, [name]).get(name)
    return looks.of(found.name, found.settings) if found else PLAIN


def _whose(person: Person) -> Whose:
    return Whose(world=person.world, user_id=person.user_id, tenant_id=person.tenant_id)


def _wanted(known: Preferences) -> Mapping[str, Any]:
    return {id_: one.wanted for id_, one in known.items()}


def _own(known: Preferences) -> dict[str, Choice]:
    """What they chose, as far as it may still be chosen."""
    return {id_: one.own if one.topic.section.custom_routing else Choice() for id_, one in known.items()}
