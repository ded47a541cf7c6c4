"""What providers' callbacks look like: signed as the vendors sign them."""

import hmac
import time
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC_KEY = b64encode(
    KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()
SECRET = "a-shared-secret"

Signed = tuple[bytes, dict[str, str]]
"""Body and headers."""


def sendgrid(events: Any, key: ec.EllipticCurvePrivateKey = KEY, timestamp: str = "1700000000") -> Signed:
    """The signed event webhook."""
    body = orjson.dumps(events)
    signature = key.sign(timestamp.encode() + body, ec.ECDSA(SHA256()))
    return body, {
        "content-type": "application/json",
        "x-twilio-email-event-webhook-signature": b64encode(signature).decode(),
        "x-twilio-email-event-webhook-timestamp": timestamp,
    }


def twilio(url: str, form: Mapping[str, str], token: str) -> Signed:
    """A status callback."""
    signed = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    signature = b64encode(hmac.digest(token.encode(), signed.encode(), "sha1")).decode()
    headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature}
    return urlencode(form).encode(), headers


def generic(events: Any, secret: str = SECRET, at_ms: int | None = None) -> Signed:
    """The form of ``docs/receipts.md``."""
    body = orjson.dumps({"events": events})
    at_ms = int(time.time() * 1000) if at_ms is None else at_ms
    signature = hmac.new(secret.encode(), f"{at_ms}.".encode() + body, sha256).hexdigest()
    headers = {"content-type": "application/json", "notify-signature": f"t={at_ms},signature={signature}"}
    return body, headers
