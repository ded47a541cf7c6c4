"""Links by which people say what they want, without logging in: who it is about in, a signed URL out.

A token holds all there is to know, so nothing is stored for it; it works for as long as its signing key does,
since people look for such links in old mails.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from enum import StrEnum
from typing import NamedTuple

import orjson

from notify import signing
from notify.model.names import World
from notify.pipeline.tracking import CHOICES, public_url
from notify.store.messages import StoredMessage

MAX_TOKEN = 8000
"""Characters: ids have a limit, too."""


class Link(StrEnum):
    """What a token is for, and the path of its page; one for a page does not unsubscribe."""

    PAGE = "page"
    UNSUBSCRIBE = "unsubscribe"
    PREVIEW = "preview"


class Person(NamedTuple):
    """Whom a link is about. ``topic_id``: what an unsubscribe link leaves."""

    world: World
    user_id: str
    tenant_id: str | None = None
    topic_id: str | None = None


def url(link: Link, person: Person) -> str:
    """The signed URL; empty where nobody could reach it."""
    base = public_url()
    return f"{base}/{CHOICES}/{link}/{token(link, person)}" if base else ""


def token(link: Link, person: Person) -> str:
    """``person``, signed, as a part of a path."""
    data = orjson.dumps(list(person))
    mac = signing.mac(_purpose(link), data)[: signing.HALF]
    return urlsafe_b64encode(mac + data).decode().rstrip("=")


def read(link: Link, text: str) -> Person | None:
    """What a token of ours says; None for anything else."""
    if len(text) > MAX_TOKEN:
        return None
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    mac, data = raw[: signing.HALF], raw[signing.HALF :]
    if not signing.verified(_purpose(link), data, mac):
        return None
    world, *rest = orjson.loads(data)
    return Person(World(world), *rest)


def _purpose(link: Link) -> str:
    return f"preferences.{link}"


def variables(message: StoredMessage, topic_id: str | None) -> dict[str, str]:
    """``urls`` as templates see it; empty texts for whom there is nothing to choose."""
    if message.user_id is None:
        return {"preferences": "", "unsubscribe": ""}
    return {
        "preferences": url(Link.PAGE, Person(message.world, message.user_id, message.tenant_id)),
        "unsubscribe": unsubscribe(message, topic_id) if topic_id else "",
    }


def unsubscribe(message: StoredMessage, topic_id: str) -> str:
    """Where the recipient leaves the topic; empty for one without a user."""
    if message.user_id is None:
        return ""
    return url(Link.UNSUBSCRIBE, Person(message.world, message.user_id, message.tenant_id, topic_id))
