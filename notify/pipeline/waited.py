"""What is looked at again when a message's wait ends: who it is for, as of now.

What it says was written when it was sent; where it goes, and whether it still may, is today's.
"""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from notify.model.status import Status
from notify.pipeline import people
from notify.recipients.resolve import merge_profile, stored_profile
from notify.store import db
from notify.store.contents import Content
from notify.store.messages import StoredMessage

_WAITED = frozenset({Status.DELAYED, Status.DIGESTED})


def refreshed(
    tx: db.Tx, messages: Mapping[UUID, StoredMessage], contents: Mapping[UUID, Content]
) -> dict[UUID, Content]:
    """The contents, by message id, of those that have waited and whose recipient's profile has changed."""
    waited = [
        message
        for message in messages.values()
        if message.status in _WAITED and message.user_id and message.id in contents
    ]
    if not waited:
        return {}
    known = people.load(tx, waited)
    now = {
        message.id: merge_profile(stored_profile(known[message.id]), message.body["to"]) for message in waited
    }
    return {
        id_: replace(contents[id_], profile=profile)
        for id_, profile in now.items()
        if profile != contents[id_].profile
    }
