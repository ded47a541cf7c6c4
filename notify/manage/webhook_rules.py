"""What a webhook destination may be: URL, events and secret in, a refusal that names the field out."""

import base64
import binascii
from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from notify import settings
from notify.errors import ContentError, InvalidRequest
from notify.model.hook import SELECTABLE
from notify.pipeline.hook_calls import PREFIX
from notify.providers.request import check_url
from notify.transport.guard import Forbidden, may_connect

MAX_URL = 2048
_KEY_BYTES = range(24, 65)  # what Standard Webhooks asks for
_PLAIN = range(16, 257)


def check(url: str, events: Sequence[str]) -> None:
    """Refuse what cannot be called, and events there are not.

    Raises:
        InvalidRequest: it names the field.
    """
    if len(url) > MAX_URL:
        raise InvalidRequest(f"url: may have at most {MAX_URL} characters")
    try:
        check_url(url, "url")
    except ContentError as error:
        raise InvalidRequest(f"url: {str(error).removeprefix('url ')}") from None
    _check_host(urlsplit(url).hostname or "")
    for event in events:
        if event not in SELECTABLE:
            raise InvalidRequest(f"events: {event!r} is not an event; there are {', '.join(SELECTABLE)}")


def _check_host(host: str) -> None:
    """A literal private address is refused at once; where a name leads shows when it is called."""
    try:
        ip_address(host)
    except ValueError:
        return
    if not may_connect((host,), settings.load().allowed_networks):
        raise InvalidRequest(f"url: {Forbidden()}")


def checked(secret: str) -> str:
    """The secret itself.

    Raises:
        InvalidRequest: it cannot sign by both schemes.
    """
    if secret.startswith(PREFIX):
        try:
            usable = len(base64.b64decode(secret.removeprefix(PREFIX), validate=True)) in _KEY_BYTES
        except (binascii.Error, ValueError):
            usable = False
        if not usable:
            raise InvalidRequest("secret: after whsec_ comes the Base64 of 24 to 64 bytes")
    elif len(secret) not in _PLAIN or not (secret.isascii() and secret.isprintable()):
        raise InvalidRequest("secret: must be whsec_ and Base64, or 16 to 256 printable ASCII characters")
    return secret
