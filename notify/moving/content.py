"""What is said and how it looks: brands, routing strategies, topics, templates, translations."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

from notify.api.brand_views import NewBrandBody
from notify.api.notifications import Notification, NotificationBody
from notify.api.preference_views import SectionBody, TopicBody
from notify.api.routing_strategies import StrategyBody, values
from notify.api.storable import storable
from notify.errors import NotFound, NotifyError, Taken
from notify.manage import brands as manage_brands
from notify.manage import routing_strategies, topics, translations
from notify.manage import templates as manage_templates
from notify.moving.carrying import Mover, found, reason
from notify.moving.source import Json, Unreadable

BRANDS, STRATEGIES, SECTIONS, TOPICS = "brands", "routing strategies", "sections", "topics"
TEMPLATES, DRAFTS, TRANSLATIONS = "templates", "drafts", "translations"
_DOMAIN = "default"
_REQUIRED = ("brand", "subscription", "routing")


def brands(mover: Mover) -> None:
    """Brands with their ids; which one is the default is known of our own servers only."""
    told = False
    for id_, row in mover.rows(BRANDS, "brands"):
        body = {**row, "settings": row.get("settings") or {}}
        mover.carry(BRANDS, id_, row, partial(NewBrandBody.model_validate, body), partial(_brand, mover, id_))
        if row.get("default") is True:
            told = True
            if not mover.dry_run:
                _make_default(mover, id_)
    if not told and mover.counts.get(BRANDS):
        mover.note(BRANDS, "*", "which brand is the default is not told: PUT /brands/{id}/default sets it")


def _brand(mover: Mover, id_: str, body: NewBrandBody) -> None:
    manage_brands.put(mover.world, id_, **body.parts())


def _make_default(mover: Mover, id_: str) -> None:
    try:
        if not manage_brands.get(mover.world, id_).is_default:
            manage_brands.make_default(mover.world, id_)
    except NotFound:
        pass


def strategies(mover: Mover) -> None:
    """Routing strategies with their ids."""
    for id_, row in _details(mover, STRATEGIES, "routing-strategies"):
        parse = partial(StrategyBody.model_validate, row)
        mover.carry(STRATEGIES, id_, row, parse, partial(_strategy, mover, id_))


def _strategy(mover: Mover, id_: str, body: StrategyBody) -> Iterable[str]:
    given = storable(values(body))
    return _kept_free(mover, STRATEGIES, id_, lambda at: routing_strategies.put(mover.world, at, given))


def _details(mover: Mover, kind: str, path: str) -> Iterator[tuple[str, Json]]:
    """Each thing of a list that tells little of it, read for itself."""
    ids = (id_ for id_, _ in mover.rows(kind, path))
    for id_, row in mover.ahead(lambda id_: mover.source.get(path, id_), ids):
        if isinstance(row, NotifyError):
            mover.refuse(kind, id_, reason(row))
        else:
            yield id_, row


def _kept_free(mover: Mover, kind: str, id_: str, put: Callable[[str], object]) -> Iterable[str]:
    """Put it under its id, or, where the other world has that, under one that says which world it is of."""
    target = mover.state.target(kind, id_)
    try:
        put(target)
    except Taken:
        target = f"{id_}-{mover.world}"
        put(target)
    if target == id_:
        return ()
    mover.state.settle(kind, id_, b"", target)
    return (f"the other world of this database has the id; it is {target} here",)


def sections(mover: Mover) -> None:
    """Sections of preferences with their topics, and what of a digest is kept already."""
    for id_, row in mover.rows(SECTIONS, "preferences", "sections"):
        own = {name: value for name, value in row.items() if name != "topics"}
        body = partial(SectionBody.model_validate, own)
        if mover.carry(SECTIONS, id_, own, body, partial(_section, mover, id_)):
            inside = row.get("topics")
            for topic_id, topic in mover.named(TOPICS, inside if isinstance(inside, list) else []):
                parse = partial(TopicBody.model_validate, topic)
                mover.carry(TOPICS, topic_id, [id_, topic], parse, partial(_topic, mover, id_, topic_id))


def _section(mover: Mover, id_: str, body: SectionBody) -> None:
    topics.put_section(mover.world, id_, body.fields())


def _topic(mover: Mover, section_id: str, id_: str, body: TopicBody) -> None:
    topics.put_topic(mover.world, section_id, id_, body.fields())


class _Versions(NamedTuple):
    published: Json | None
    draft: Json | None


def templates(mover: Mover) -> None:
    """Templates with their ids: what is published, and the draft; older versions stay behind."""

    def read(id_: str) -> _Versions:
        def version(name: str) -> Json | None:
            return found(lambda: mover.source.get("notifications", id_, version=name))

        return _Versions(version("published"), version("draft"))

    ids = (id_ for id_, _ in mover.rows(TEMPLATES, "notifications"))
    for id_, read_ in mover.ahead(read, ids):
        if isinstance(read_, NotifyError):
            mover.refuse(TEMPLATES, id_, reason(read_))
        else:
            _template(mover, id_, read_)


def _template(mover: Mover, id_: str, versions: _Versions) -> None:
    if versions == (None, None):
        mover.refuse(TEMPLATES, id_, "it cannot be read as Elemental: build it anew")
    published, draft = (_own(one) if one else None for one in versions)
    for kind, own, publish in ((TEMPLATES, published, True), (DRAFTS, draft, False)):
        if own and (publish or own != published):
            mover.state.hear(_locales(own.get("content")))
            mover.carry(kind, id_, own, partial(_parsed, mover, own), partial(_put, mover, id_, publish))


def _own(row: Json) -> Json:
    return {name: row[name] for name in Notification.model_fields if row.get(name) is not None}


class _Parsed(NamedTuple):
    payload: Json
    left_out: list[str]


def _parsed(mover: Mover, own: Json) -> _Parsed:
    given = {"tags": [], **dict.fromkeys(_REQUIRED), **own}
    if not isinstance(given.get("content"), dict) or "elements" not in given["content"]:
        raise Unreadable("its content is not Elemental (blocks of the older designer): build it anew")
    aliases = given.get("alias")
    if isinstance(aliases, list):
        given["alias"] = aliases[0] if aliases else None
    payload = NotificationBody.model_validate({"notification": given}).payload()
    if routing := payload.get("routing"):
        routing["strategy_id"] = mover.state.target(STRATEGIES, routing["strategy_id"])
    several = isinstance(aliases, list) and len(aliases) > 1
    return _Parsed(payload, [f"its aliases but the first of {len(aliases or ())}"] if several else [])


def _put(mover: Mover, id_: str, publish: bool, parsed: _Parsed) -> Iterable[str]:
    def put(at: str) -> None:
        # Where the id is somebody else's, sends find it by its alias all the same.
        given = parsed.payload if at == id_ else {"alias": id_, **parsed.payload}
        manage_templates.put(mover.world, at, given, publish_now=publish, wake=mover.wake)

    return [*parsed.left_out, *_kept_free(mover, TEMPLATES, id_, put)]


def _locales(content: Any) -> Iterator[str]:
    """All that are named below ``locales``, however deep."""
    waiting = [content]
    while waiting:
        one = waiting.pop()
        waiting += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        if isinstance(one, dict) and isinstance(named := one.get("locales"), dict):
            yield from (name for name in named if 0 < len(name) <= 50)


def all_translations(mover: Mover) -> None:
    """The ``.po`` files of all locales that were heard of: servers do not tell for which there are any."""

    def read(locale: str) -> str | None:
        return found(lambda: mover.source.text("translations", _DOMAIN, locale))

    for locale, po in mover.ahead(read, mover.state.locales()):
        if isinstance(po, NotifyError):
            mover.refuse(TRANSLATIONS, locale, reason(po))
        elif po is not None:
            write = partial(translations.put, mover.world, _DOMAIN, locale)
            mover.carry(TRANSLATIONS, locale, po, partial(str, po), write)
