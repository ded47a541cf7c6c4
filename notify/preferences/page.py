"""The preference page: what is published and what a user wants in, what they see out; their form, read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from notify.model.names import Channel
from notify.model.preference import CLASSES, Choice, Consent, Section, Topic, Wanted, channels
from notify.preferences.change import SNOOZE, Wish

HEADING = "Notification preferences"
_LABELS: Mapping[Channel, str] = {
    Channel.EMAIL: "E-mail",
    Channel.SMS: "Text message",
    Channel.PUSH: "Push notification",
    Channel.INBOX: "In-app inbox",
    Channel.DIRECT_MESSAGE: "Chat message",
    Channel.WEBHOOK: "Webhook",
}


def snapshot(
    whole: Iterable[tuple[Section, Sequence[Topic]]],
    *,
    heading: str | None = None,
    description: str | None = None,
    brand_id: str | None = None,
) -> dict[str, Any]:
    """Names and order as they are now, to be stored; a section without topics is left out."""
    return {
        "heading": heading or HEADING,
        "description": description,
        "brand_id": brand_id,
        "sections": [
            {
                "name": section.name,
                "description": section.description,
                "topics": [
                    {"id": one.id, "name": one.name, "description": one.description} for one in topics
                ],
            }
            for section, topics in whole
            if topics
        ],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A channel they may choose."""

    key: str
    label: str
    checked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """How long a topic can be put off: nothing for that long."""

    key: str
    label: str
    checked: bool = False


AS_IT_IS = "keep"
PAUSES = {"1": "for a day", "7": "for a week", "30": "for 30 days"}
"""By days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A topic. ``boxes``: none where channels cannot be chosen. ``problem``: with their choice.

    ``pauses``: for how long it can be put off, if it can. ``until``: it is put off until then.
    """

    id: str
    name: str
    description: str | None
    on: bool
    required: bool
    boxes: Sequence[Box] = ()
    problem: str | None = None
    pauses: Sequence[Pause] = ()
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    name: str
    description: str | None
    items: Sequence[Item]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    heading: str
    description: str | None
    groups: Sequence[Group]

    @property
    def items(self) -> list[Item]:
        return [item for group in self.groups for item in group.items]


def shown(page: Mapping[str, Any], wanted: Mapping[str, Wanted]) -> Page:
    """What a user sees; topics that are gone since are left out. ``wanted``: by topic."""
    groups = [
        Group(
            name=section["name"],
            description=section["description"],
            items=[_item(one, wanted[one["id"]]) for one in section["topics"] if one["id"] in wanted],
        )
        for section in page["sections"]
    ]
    there = [group for group in groups if group.items]
    return Page(heading=page["heading"], description=page["description"], groups=there)


def _item(published: Mapping[str, Any], wanted: Wanted) -> Item:
    offered = _offered(wanted.topic)
    return Item(
        id=published["id"],
        name=published["name"],
        description=published["description"],
        on=wanted.status is not Consent.OPTED_OUT or wanted.until is not None,
        required=wanted.default is Consent.REQUIRED,
        boxes=[Box(key=one, label=_LABELS[one], checked=_is_on(wanted, one)) for one in offered],
        pauses=_pauses(wanted),
        until=wanted.until,
    )


def _pauses(wanted: Wanted) -> list[Pause]:
    if SNOOZE not in wanted.topic.allowed or wanted.default is Consent.REQUIRED:
        return []
    now = [Pause(key="", label="not paused")]
    if wanted.until:
        now.append(Pause(key=AS_IT_IS, label=f"until {wanted.until:%d %B %Y, %H:%M} UTC", checked=True))
    return [*now, *(Pause(key=days, label=label) for days, label in PAUSES.items())]


def _is_on(wanted: Wanted, channel: Channel) -> bool:
    return wanted.channels is None or channel in wanted.channels


def _offered(topic: Topic) -> list[Channel]:
    """The channels among which users may choose, best known first."""
    section = topic.section
    if not section.custom_routing or "channel_preferences" not in topic.allowed:
        return []
    among = channels(section.routing_options) or channels(topic.routing_options) or frozenset(CLASSES)
    return [one for one in CLASSES if one in among]


# --- the form, read again


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """``seen``: the topics on the page. ``on``: those that are wanted. ``boxes``: topics with channels.

    ``pauses``: how long to put off, by topic.
    """

    seen: frozenset[str]
    on: frozenset[str]
    boxes: frozenset[tuple[str, str]]
    pauses: Mapping[str, str]


def read(fields: Iterable[tuple[str, str]]) -> Form:
    """The form as it was sent; what it does not know is ignored."""
    all_ = list(fields)
    return Form(
        seen=frozenset(value for name, value in all_ if name == "seen"),
        on=frozenset(value for name, value in all_ if name == "on"),
        boxes=frozenset((name[8:], value) for name, value in all_ if name.startswith("channel:")),
        pauses={name[6:]: value for name, value in all_ if name.startswith("pause:")},
    )


def wishes(
    page: Page, form: Form, own: Mapping[str, Choice], now: datetime
) -> tuple[list[Wish], dict[str, str]]:
    """What has changed against what is shown, and what is wrong with it, by topic.

    Args:
        own: what the user has chosen themselves, by topic.
    """
    found, problems = [], {}
    for item in page.items:
        chosen = tuple(box.key for box in item.boxes if (item.id, box.key) in form.boxes)
        on = item.required or item.id in form.on
        if item.id not in form.seen:
            continue
        if on and item.boxes and not chosen:
            problems[item.id] = "Choose at least one way to be told, or switch it off."
        elif wish := _wish(item, on, chosen, own.get(item.id, Choice()), _until(item, on, form, now)):
            found.append(wish)
    return found, problems


def _until(item: Item, on: bool, form: Form, now: datetime) -> datetime | None:
    """Until when they put it off; None: not."""
    days = form.pauses.get(item.id, AS_IT_IS) if item.pauses else AS_IT_IS
    if not on or days == AS_IT_IS:
        return item.until if on else None
    return now + timedelta(days=int(days)) if days in PAUSES else None


def _wish(item: Item, on: bool, chosen: tuple[str, ...], own: Choice, until: datetime | None) -> Wish | None:
    status = Consent.OPTED_IN if on and not until else Consent.OPTED_OUT
    if on and {box.key for box in item.boxes if box.checked} != set(chosen):
        some = len(chosen) < len(item.boxes)
        routing = chosen if some else ()
        return Wish(topic_id=item.id, status=status, custom=some, routing=routing, until=until)
    if on is item.on and until == item.until:
        return None
    kept = tuple(one for one in CLASSES if one in own.routing)
    return Wish(topic_id=item.id, status=status, custom=own.custom, routing=kept, until=until)


def again(page: Page, form: Form, problems: Mapping[str, str]) -> Page:
    """The page with what was filled in, to be mended."""
    groups = [
        replace(group, items=[_again(item, form, problems.get(item.id)) for item in group.items])
        for group in page.groups
    ]
    return replace(page, groups=groups)


def _again(item: Item, form: Form, problem: str | None) -> Item:
    if item.id not in form.seen:
        return item
    boxes = [replace(box, checked=(item.id, box.key) in form.boxes) for box in item.boxes]
    wanted = form.pauses.get(item.id, AS_IT_IS)
    pauses = [replace(one, checked=one.key == wanted) for one in item.pauses]
    on = item.required or item.id in form.on
    return replace(item, on=on, boxes=boxes, pauses=pauses, problem=problem)
