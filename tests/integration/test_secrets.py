"""A new encryption key: secrets, tracked links and suppressed addresses outlive the old one."""

import base64
from datetime import UTC, datetime
from uuid import UUID

import pytest

from notify import ids
from notify.manage import secrets
from notify.model.names import Channel, World
from notify.model.receipt import SuppressionReason
from notify.pipeline import tracking
from notify.pipeline.tracking import Track, Tracked
from notify.store import db, suppressions
from notify.store.sealed import SEALED
from notify.store.suppressions import NewSuppression
from notify.store.tables import METADATA
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Pipeline
from tests.servers import ProviderLab

OLD, NEW = (base64.urlsafe_b64encode(bytes([number]) * 32).decode() for number in (1, 2))
ADDRESS = (World.PRODUCTION, Channel.EMAIL, factories.ADA)
TRACKED = Tracked(message_id=ids.new(), delivery_id=ids.new(), url="https://example.com/")


def _suppress() -> None:
    row = NewSuppression(
        address=ADDRESS,
        masked="a***",
        reason=SuppressionReason.BOUNCED,
        detail=None,
        message_id=UUID(int=1),
        created_at=datetime.now(UTC),
    )
    with db.begin() as tx:
        suppressions.add(tx, [row])


def _suppressed() -> bool:
    with db.begin() as tx:
        return ADDRESS in suppressions.among(tx, [ADDRESS])


def test_every_sealed_column_is_rotated() -> None:
    """What holds bytes is a digest, or it is sealed."""
    holding = {table.name for table in METADATA.tables.values() if "secrets" in table.c}
    assert holding == {table.name for table in SEALED}


def test_the_old_key_may_go_once_everything_is_rotated(
    api: Api, pipeline: Pipeline, configured: Configure, lab: ProviderLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "_CHUNK", 2)
    configured(encryption_key=OLD)
    for number in range(5):
        api.configure("sendgrid", factories.sendgrid(lab), alias=str(number))
    link = tracking.token(Track.CLICK, TRACKED)
    _suppress()

    configured(encryption_key=f"{NEW},{OLD}")
    assert tracking.read(Track.CLICK, link) == TRACKED
    done = secrets.rotate()
    assert (done.resealed, done.unreadable, done.keys, done.signed, done.unsigned_keys) == (5, (), 2, 1, 1)
    assert secrets.rotate().resealed == 0
    signing_key = ",".join(secrets.signing_keys())

    configured(encryption_key=NEW, signing_key=signing_key)
    assert secrets.rotate().unsigned_keys == 0
    assert tracking.read(Track.CLICK, link) == TRACKED
    assert _suppressed()
    api.send(to={"email": "bob@example.com"})
    pipeline.drain()
    assert len(lab.of("sendgrid")) == 1


def test_without_the_signing_key_what_the_old_one_signed_is_void(configured: Configure) -> None:
    configured(encryption_key=OLD)
    link = tracking.token(Track.CLICK, TRACKED)
    configured(encryption_key=NEW)
    assert tracking.read(Track.CLICK, link) is None


def test_the_signing_key_does_not_tell_the_encryption_key(configured: Configure) -> None:
    configured(encryption_key=OLD)
    assert secrets.signing_keys() != [OLD]


def test_what_no_key_opens_is_named(api: Api, configured: Configure, lab: ProviderLab) -> None:
    configured(encryption_key=OLD)
    id_ = api.configure("sendgrid", factories.sendgrid(lab))
    configured(encryption_key=NEW)
    done = secrets.rotate()
    assert (done.resealed, [str(each) for each in done.unreadable], done.done) == (0, [id_], False)


def test_a_key_that_is_none_is_refused_at_start(configured: Configure) -> None:
    from notify import settings

    configured(encryption_key="short")
    with pytest.raises(settings.SettingsError, match="NOTIFY_ENCRYPTION_KEY"):
        settings.load()
