"""Tracking: what becomes of a delivery's links, and what a tracked link says when somebody follows it.

A token is signed and holds all there is to know, the target of a link above all: nobody can make one that
leads elsewhere, and nothing has to be stored for it.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from uuid import UUID

from notify import ids, settings, signing
from notify.content.links import Rewrite, with_pixel, with_query
from notify.model import wire
from notify.model.names import Channel, World
from notify.model.output import EmailOutput, Output, PushOutput
from notify.model.receipt import Reported, StatusUpdate
from notify.pipeline.job import Job
from notify.store.deliveries import Delivery

MAX_URL = 4000
"""Characters of a tracked link; what would be longer is sent as it is, since mail programs cut it."""
CHOICES = "preferences"
"""The path below which people say what they want."""
_ID = 16
_CLICKS_ON = frozenset(
    {Channel.EMAIL, Channel.PUSH, Channel.INBOX, Channel.BANNER, Channel.DIRECT_MESSAGE}
)  # not SMS, where every character is paid for, and not webhooks, where no person clicks


class Track(StrEnum):
    """What a token is for; one for a pixel is none for a link."""

    OPEN = "o"
    CLICK = "c"
    EVENT = "e"


class AppReported(StrEnum):
    """What an app tells of a push that it shows."""

    CLICKED = "CLICKED"
    DELIVERED = "DELIVERED"
    OPENED = "OPENED"
    READ = "READ"
    UNREAD = "UNREAD"


_TOLD = {
    AppReported.CLICKED: Reported.CLICKED,
    AppReported.DELIVERED: Reported.DELIVERED,
    AppReported.OPENED: Reported.OPENED,
    # Who has read it has opened it; a status never goes back, so that it is unread again changes nothing.
    AppReported.READ: Reported.OPENED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """What a token says. ``url``: where a link leads; empty for all else."""

    message_id: UUID
    delivery_id: UUID
    url: str

    def update(self, track: Track) -> StatusUpdate:
        """What has happened when the token comes back."""
        clicked = track is Track.CLICK
        return StatusUpdate(
            event=Reported.CLICKED if clicked else Reported.OPENED,
            message_id=self.message_id,
            delivery_id=self.delivery_id,
            raw={"url": self.url} if clicked else {},
        )

    def told(self, event: AppReported) -> StatusUpdate | None:
        """What has happened when an app tells of ``event``; None: nothing that counts."""
        if event not in _TOLD:
            return None
        return StatusUpdate(
            event=_TOLD[event],
            message_id=self.message_id,
            delivery_id=self.delivery_id,
            raw={"event": event},
        )


def token(track: Track, tracked: Tracked) -> str:
    """``tracked``, signed, as a part of a path."""
    data = tracked.message_id.bytes + tracked.delivery_id.bytes + tracked.url.encode()
    return urlsafe_b64encode(signing.mac(_purpose(track), data)[: signing.HALF] + data).decode().rstrip("=")


def read(track: Track, text: str) -> Tracked | None:
    """What a token of ours says; None for anything else."""
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    mac, data = raw[: signing.HALF], raw[signing.HALF :]
    if len(data) < 2 * _ID or not signing.verified(_purpose(track), data, mac):
        return None
    return Tracked(
        message_id=UUID(bytes=data[:_ID]),
        delivery_id=UUID(bytes=data[_ID : 2 * _ID]),
        url=data[2 * _ID :].decode(),
    )


def _purpose(track: Track) -> str:
    return f"track.{track}"


# --- what is sent --------------------------------------------------------------------------------


def rewrite(job: Job, message: wire.SendMessage) -> Rewrite | None:
    """What becomes of the links of a delivery that is sent; None: they stay as they are."""
    return _sparing(_rewrite(job, message))


def _rewrite(job: Job, message: wire.SendMessage) -> Rewrite | None:
    marked = _with_utm(message, job.delivery)
    if not (settings.load().tracking_clicks and _tracks(job) and job.delivery.channel in _CLICKS_ON):
        return marked
    return lambda url: _counted(job.delivery, marked(url) if marked else url)


def with_utm(message: wire.SendMessage, delivery: Delivery) -> Rewrite | None:
    """Links with the message's UTM parameters; None: it has none."""
    return _sparing(_with_utm(message, delivery))


def _sparing(rewritten: Rewrite | None) -> Rewrite | None:
    """All but the links by which people say what they want: whoever follows one wants less, not more."""
    if rewritten is None:
        return None
    return lambda url: url if _is_choice(url) else rewritten(url)


def _is_choice(url: str) -> bool:
    base = public_url()
    return base is not None and url.startswith(f"{base}/{CHOICES}/")


def _with_utm(message: wire.SendMessage, delivery: Delivery) -> Rewrite | None:
    found = _utm(message, delivery)
    return partial(with_query, parameters=found) if found else None


def _utm(message: wire.SendMessage, delivery: Delivery) -> dict[str, str]:
    """The provider's over the channel's over the message's, key by key."""
    channel = (message.channels or {}).get(delivery.channel)
    provider = (message.providers or {}).get(delivery.provider)
    merged: dict[str, str] = {}
    for level in (message, channel, provider):
        holder = level.metadata if level else None
        if holder and holder.utm:
            merged |= {f"utm_{key}": value for key, value in holder.utm if value}
    return merged


def _counted(delivery: Delivery, url: str) -> str:
    tracked = Tracked(message_id=delivery.message_id, delivery_id=delivery.id, url=url)
    counted = _public(Track.CLICK, tracked)
    return counted if len(counted) <= MAX_URL else url


def with_opens(output: Output, job: Job, message: wire.SendMessage) -> Output:
    """An email with the pixel that tells of its opening, a push with where its app tells it; if wanted."""
    config = settings.load()
    if not _tracks(job):
        return output
    tracked = Tracked(message_id=job.delivery.message_id, delivery_id=job.delivery.id, url="")
    match output:
        case EmailOutput(html=html) if html and config.tracking_opens and not _refused(message):
            return replace(output, html=with_pixel(html, _public(Track.OPEN, tracked)))
        case PushOutput() if config.tracking_opens or config.tracking_clicks:
            return replace(output, tracking_url=f"{public_url()}/e/{token(Track.EVENT, tracked)}")
    return output


def _refused(message: wire.SendMessage) -> bool:
    """``channels.email.override.tracking.open: false``."""
    channel = (message.channels or {}).get(Channel.EMAIL)
    tracking = ((channel.override if channel else None) or {}).get("tracking")
    return isinstance(tracking, dict) and tracking.get("open") is False


def _tracks(job: Job) -> bool:
    return job.message.world is not World.TEST


def _public(track: Track, tracked: Tracked) -> str:
    return f"{public_url()}/t/{track}/{token(track, tracked)}"


def public_url() -> str | None:
    """Where the world reaches the API, without a slash at the end."""
    url = settings.load().public_url
    return url.rstrip("/") if url else None


def callback_url(delivery: Delivery) -> str | None:
    """Where a provider may report what becomes of a delivery; None when the world does not reach us."""
    base = public_url()
    if base is None:
        return None
    named = f"message={ids.to_wire(delivery.message_id)}&delivery={delivery.id.hex}"
    return f"{base}/receipts/{delivery.provider_id}?{named}"
