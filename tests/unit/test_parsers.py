"""Every parser of what strangers give: anything in; a value or the one error that its callers expect out.

The template language, conditions and paths have theirs in ``test_expression_attacks``, a send's wire format
in ``test_wire``, Markdown in ``test_content_markdown``, e-mail bytes in ``providers/test_smtp``, the API as a
whole in ``integration/test_openapi``.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notify.api import paging
from notify.content import hypertext, po
from notify.errors import ContentError, InvalidRequest, Unauthenticated
from notify.manage import client_tokens, patching
from notify.model import filters, patterns, window, zones
from notify.model.receipt import Callback, Reported
from notify.pipeline import preference_links, tracking
from notify.providers import receipts
from notify.providers.chat import mrkdwn
from notify.providers.email import address as email_address
from notify.providers.request import check_headers, check_url
from notify.recipients import address, bulk

TEXT = st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


def words(*pieces: str) -> st.SearchStrategy[str]:
    """Texts that look right at first."""
    return st.lists(st.sampled_from(pieces) | st.text(max_size=3), max_size=30).map("".join)


def objects(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with the right names, and anything in them."""
    return st.fixed_dictionaries({}, optional={name: one | JSON for name, one in fields.items()})


PO = words(
    'msgid "',
    'msgstr "',
    "msgstr[0] ",
    "msgctxt ",
    '"',
    "\n",
    "\\",
    "\\n",
    "#~ ",
    "nplurals=2; ",
    "Plural-Forms: ",
)
RULE = objects(
    operator=st.sampled_from([*filters.Operator, "AND", "OR"]),
    path=words("a", ".", "b"),
    value=st.text() | st.lists(st.text()),
)
FILTER = st.recursive(
    RULE, lambda inner: objects(operator=st.just("AND"), filters=st.lists(inner, max_size=3))
)
OPERATION = objects(
    op=st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]),
    path=words("/", "a", "0", "-", "~1", "~0", "~"),
    **{"from": words("/", "a", "0", "-")},
)
USER = objects(
    profile=objects(email=TEXT, user_id=TEXT),
    to=objects(email=TEXT, user_id=TEXT),
    preferences=JSON,
    data=JSON,
)
HOURS = words(
    "Mo", "-", "Fr", " ", "08:00", "24:00", "off", ",", ";", "Dec 25", "week 1", "PH", "/2", "[1]", "sunrise"
)

CASES: dict[str, tuple[Callable[[Any], object], st.SearchStrategy[Any], tuple[type[Exception], ...]]] = {
    "translation files": (po.parse, PO | TEXT, (InvalidRequest,)),
    "audience filters": (filters.parse, FILTER | JSON, (InvalidRequest,)),
    "list patterns": (patterns.parse, words("a", ".", "*", "**", "#", " ") | TEXT, (ValueError,)),
    "opening hours": (window.parse, HOURS | TEXT, (ValueError,)),
    "time zones": (
        zones.find,
        words("Europe/", "Berlin", "+", "02", ":", "UTC", "/", "..") | TEXT | JSON,
        (),
    ),
    "cursors": (
        lambda text: paging.decode(text, "lists"),
        words("YTo", "=", "-", "_") | TEXT,
        (InvalidRequest,),
    ),
    "spans": (
        client_tokens._span,
        words("1", "0", ".", " ", "days", "h", "-", "e9") | TEXT,
        (InvalidRequest,),
    ),
    "client tokens": (
        client_tokens._claims,
        words("eyJhbGciOiJIUzI1NiJ9", ".", "e30") | TEXT,
        (Unauthenticated,),
    ),
    "patches": (
        lambda given: patching.patched({"a": [1], "b": {"a": "x"}}, given),
        st.lists(OPERATION, max_size=4),
        (InvalidRequest,),
    ),
    "tracked links": (lambda text: [tracking.read(one, text) for one in tracking.Track], TEXT, ()),
    "preference links": (
        lambda text: [preference_links.read(one, text) for one in preference_links.Link],
        TEXT,
        (),
    ),
    "mail boxes": (lambda given: email_address.mailbox(given, "x"), TEXT | JSON, (ContentError,)),
    "URLs": (
        lambda given: check_url(given, "x"),
        words("http", "://", "[", "]", ":", "@", "é", "%") | JSON,
        (ContentError,),
    ),
    "headers": (
        lambda given: check_headers(given, "x"),
        st.dictionaries(TEXT, TEXT | JSON) | JSON,
        (ContentError,),
    ),
    "addresses": (lambda text: (address.normal(text), address.masked(text)), TEXT, ()),
    "bulk users": (
        lambda given: (bulk.entry_of(given), bulk.key_of(given)),
        USER.filter(lambda u: _shaped(u)),
        (),
    ),
    "HTML": (
        hypertext.to_plain,
        words("<a ", "<", ">", "href=", '"', "<!--", "-->", "</a>", "&amp", "<style>"),
        (),
    ),
    "Slack's text": (
        mrkdwn.from_markdown,
        words("[", "](", ")", "*", "`", "<", "> ", "- ", "1. ", "\n", "#"),
        (),
    ),
    "callbacks' bodies": (
        receipts.parsed,
        st.binary() | words("{", "}", '"a"', ":", "[", "a=1", "&").map(str.encode),
        (InvalidRequest,),
    ),
}


def _shaped(user: dict[str, Any]) -> bool:
    """As the API lets through: ``to``, ``profile``, ``data`` and ``preferences`` are objects, or null."""
    names = ("to", "profile", "data", "preferences")
    inner = [part for name in ("to", "profile") if isinstance(part := user.get(name), dict)]
    return all(
        one.get(name) is None or isinstance(one.get(name), dict) for one in (user, *inner) for name in names
    )


@pytest.fixture(scope="module", autouse=True)
def _configured() -> Any:
    from notify import settings as config

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", "postgresql://nowhere/x")
        patch.setenv("BROKER_URL", "memory://")
        patch.setenv("NOTIFY_ENCRYPTION_KEY", base64.urlsafe_b64encode(b"x" * 32).decode())
        config.load.cache_clear()
        yield
    config.load.cache_clear()


@pytest.mark.parametrize("name", CASES)
def test_a_parser_takes_anything(name: str) -> None:
    parse, anything, errors = CASES[name]

    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
    @given(anything)
    def run(value: Any) -> None:
        try:
            parse(value)
        except errors:
            return

    run()


EVENT = objects(
    event=st.sampled_from(Reported),
    message_id=TEXT,
    delivery_id=TEXT,
    at=st.integers() | st.floats() | TEXT,
    reason=TEXT,
    reference=st.dictionaries(TEXT, TEXT, max_size=2),
)


@settings(max_examples=300, deadline=None)
@given(objects(events=st.lists(EVENT, max_size=3)) | JSON)
def test_a_rightly_signed_callback_may_say_anything(body: Any) -> None:
    from notify.providers.chat.slack import SlackSettings

    secret = "marked-receipt-secret-of-32-bytes"
    at = datetime(2030, 1, 1, tzinfo=UTC)
    raw, seconds = json.dumps(body).encode(), int(at.timestamp())
    mac = hmac.new(secret.encode(), f"{seconds}.".encode() + raw, hashlib.sha256).hexdigest()
    configured = SlackSettings(access_token="x", receipt_secret=secret)
    callback = Callback(
        url="https://x/receipts/1",
        headers={"notify-signature": f"t={seconds},signature={mac}"},
        body=raw,
        received_at=at,
    )
    try:
        receipts.generic(callback, configured)
    except InvalidRequest:
        return
