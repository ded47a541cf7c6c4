"""What a provider answered, for people to read: a call and its answer in, a small and harmless copy out.

Providers may echo what they were called with, credentials included; a copy holds none of them. It is bounded,
and always something the database can keep.
"""

from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import orjson

from notify.model.call import Answer, Call, HttpAnswer, HttpCall, SmtpAnswer, SmtpCall
from notify.model.storable import find_fault

MAX_BODY = 2000
"""Bytes of a body that are kept."""
_MASK = "********"
_SHORTEST = 4
"""Characters; to mask less would make anything unreadable, and nobody's secret is as short."""
_HARMLESS = frozenset({"content-type", "idempotency-key", "accept"})


def copy(call: Call, answer: Answer) -> dict[str, Any] | None:
    """``{status, body}`` of HTTP, ``{code, stage, text}`` of SMTP; None when nothing was answered."""
    match answer:
        case HttpAnswer(status=status, body=b""):
            return {"status": status}
        case HttpAnswer(status=status, body=body):
            return {"status": status, "body": _body(body, _secrets(call))}
        case SmtpAnswer(code=code, stage=stage, text=text):
            return {"code": code, "stage": stage, "text": _text(text, _secrets(call))}
    return None


def _body(body: bytes, secrets: list[str]) -> Any:
    text = _masked(body.decode(errors="replace"), secrets)
    if len(body) > MAX_BODY:
        return _text(text, [])
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return _text(text, [])
    return value if isinstance(value, dict | list) and find_fault(value) is None else _text(text, [])


def _text(text: str, secrets: list[str]) -> str:
    return "".join(filter(_is_kept, _masked(text, secrets)[:MAX_BODY]))


def _is_kept(char: str) -> bool:
    return char.isprintable() or char in "\n\t"


def _masked(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        for written in (secret, orjson.dumps(secret).decode()[1:-1], secret.replace("/", "\\/")):
            text = text.replace(written, _MASK)
    return text


def _secrets(call: Call) -> list[str]:
    """Whatever of the call may be a credential, the longest first."""
    match call:
        case HttpCall():
            found = {call.url, *_of_headers(call)}
        case SmtpCall(server=server):
            found = {server.password or ""}
        case _:
            found = set()
    return sorted((one for one in found if len(one) >= _SHORTEST), key=len, reverse=True)


def _of_headers(call: HttpCall) -> Iterator[str]:
    for name, value in call.headers.items():
        if name not in _HARMLESS:
            yield value
        if name == "authorization":
            scheme, _, credentials = value.partition(" ")
            yield credentials
            yield from _basic(credentials) if scheme.lower() == "basic" else ()


def _basic(credentials: str) -> Iterator[str]:
    try:
        yield b64decode(credentials).decode().partition(":")[2]
    except ValueError:
        return
