"""Building HTTP calls: JSON bodies, headers that cannot be split, and a message's override.

In: plain values. Out: an ``HttpCall``. A value that would break out of its place is a ``ContentError``.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson

from notify.errors import ContentError
from notify.model.call import HttpCall

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

_RESERVED = frozenset({"body", "headers", "config", "url", "method"})
MAX_HEADERS = 100
MAX_HEADER_CHARS = 8192
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH"})
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FRAMING = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect"}
)


def json_call(
    url: str, body: Mapping[str, Any], headers: Mapping[str, str], method: str = "POST"
) -> HttpCall:
    """A call with a JSON body.

    Raises:
        ContentError: the body holds what JSON cannot say.
    """
    return HttpCall(method=method, url=url, headers={"content-type": JSON, **headers}, body=to_json(body))


def to_json(body: Any) -> bytes:
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError as error:
        raise ContentError(f"the content cannot be written as JSON: {error}") from None


def basic(username: str, password: str) -> str:
    """The ``Authorization`` value of HTTP Basic."""
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()


def check_url(value: object, name: str) -> str:
    """An http(s) URL a message gave.

    Raises:
        ContentError: it is not one, or carries control characters or user information.
    """
    if not isinstance(value, str) or not value.isprintable() or " " in value:
        raise ContentError(f"{name} is not a URL")
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ContentError(f"{name} must be an http:// or https:// URL")
    if parts.username is not None:
        raise ContentError(f"{name} must not carry a user name; use the authentication settings")
    return value


def check_method(value: object, name: str) -> str:
    """An HTTP method a message gave, in capitals.

    Raises:
        ContentError: it is not GET, POST, PUT or PATCH.
    """
    method = str(value).upper()
    if method not in _METHODS:
        raise ContentError(f"{name} must be one of {', '.join(sorted(_METHODS))}")
    return method


def check_headers(value: object, name: str) -> dict[str, str]:
    """Headers a message or an operator gave, names in lower case.

    Raises:
        ContentError: no object, a name or value that would split the request, or one that frames it.
    """
    if not isinstance(value, Mapping):
        raise ContentError(f"{name} must be an object of texts")
    if len(value) > MAX_HEADERS:
        raise ContentError(f"{name} may hold at most {MAX_HEADERS} headers")
    return {_header_name(key, name): _header_value(item, f"{name}.{key}") for key, item in value.items()}


def _header_name(key: object, name: str) -> str:
    if not isinstance(key, str) or not _TOKEN.fullmatch(key):
        raise ContentError(f"{name} has a header name that is not allowed")
    if key.lower() in _FRAMING:
        raise ContentError(f"{name} may not set {key}")
    return key.lower()


def _header_value(value: object, name: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ContentError(f"{name} must be a text")
    text = str(value)
    if not text.isprintable():
        raise ContentError(f"{name} holds a line break or control character")
    if len(text) > MAX_HEADER_CHARS:
        raise ContentError(f"{name} is longer than {MAX_HEADER_CHARS} characters")
    return text


def apply_override(call: HttpCall, override: Mapping[str, Any]) -> HttpCall:
    """``call`` with a message's provider override laid over it.

    ``body`` and any key that is not headers, config, url or method deep-merge into the body (``config``
    is for ``ProviderSettings.with_config``). A ``url`` makes the call untrusted, and on another origin it
    goes without the headers made from the operator's settings, credentials above all.

    Raises:
        ContentError: the override is not of this form, or the body is neither JSON nor a form.
    """
    if not override:
        return call
    if "url" in override:
        call = _redirected(call, check_url(override["url"], "override.url"))
    if "method" in override:
        call = replace(call, method=check_method(override["method"], "override.method"))
    if "headers" in override:
        headers = check_headers(override["headers"], "override.headers")
        call = replace(call, headers={**call.headers, **headers})
    return _merged_body(call, override)


def _redirected(call: HttpCall, url: str) -> HttpCall:
    kept = call.headers
    if _origin(url) != _origin(call.url):
        kept = {name: value for name, value in call.headers.items() if name == "content-type"}
    return replace(call, url=url, headers=kept, untrusted=True, then=None)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _merged_body(call: HttpCall, override: Mapping[str, Any]) -> HttpCall:
    patch = {key: value for key, value in override.items() if key not in _RESERVED}
    body = override.get("body", {})
    if not isinstance(body, Mapping):
        raise ContentError("override.body must be an object")
    patch = deep_merge(patch, body)
    if not patch:
        return call
    if call.headers.get("content-type") == FORM:
        fields = {**dict(parse_qsl(call.body.decode(), keep_blank_values=True)), **patch}
        return replace(call, body=urlencode(fields, doseq=True).encode())
    return replace(call, body=to_json(deep_merge(orjson.loads(call.body or b"{}"), patch)))


def deep_merge(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``patch`` over it: objects merge key by key, everything else replaces."""
    merged = dict(base)
    for key, value in patch.items():
        old = merged.get(key)
        merged[key] = (
            deep_merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
        )
    return merged
