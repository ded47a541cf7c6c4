"""``/preferences/page/{token}`` and ``/preferences/unsubscribe/{token}``: pages for those who get messages.

The token is signed by us and is all the proof there is, also against forged forms. Pages work without
JavaScript and load nothing but the brand's logo. A ``GET`` changes nothing, since mail scanners follow links.
"""

from secrets import token_urlsafe
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Path, Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse

from notify.api.publisher import Wakes
from notify.errors import NotFound
from notify.manage import preference_page
from notify.pipeline import preference_links
from notify.pipeline.preference_links import Link, Person
from notify.preferences.brand import PLAIN
from notify.publisher import Publisher

_MAX_FIELDS = 20_000
_PAGES = Environment(
    loader=PackageLoader("notify.api", "pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_HTML: dict[str, Any] = {"content": {"text/html": {}}}
_JSON: dict[str, Any] = {
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}}
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    404: {**_HTML, "description": "The link is not one of ours, or what it is about is gone."},
    413: {**_JSON, "description": "The body is too large."},
    503: {**_JSON, "description": "A part Notify needs is away."},
}
_WRONG: dict[int | str, dict[str, Any]] = {400: {**_HTML, "description": "What was filled in cannot be."}}

# Whatever it is, people get a page that tells them what to do.
Token = Annotated[str, Path()]
router = APIRouter(
    tags=["preference pages"], prefix="/preferences", responses=_ANSWERS, default_response_class=HTMLResponse
)


@router.get("/page/{token}")
def page(token: Token) -> HTMLResponse:
    """What a person wants, to be looked at and changed."""
    person = preference_links.read(Link.PAGE, token)
    return (
        _gone() if person is None else _answer("page.html", shown=preference_page.look(person), editable=True)
    )


@router.post("/page/{token}", responses=_WRONG)
async def save(token: Token, request: Request, wakes: Wakes) -> HTMLResponse:
    """Have what the person filled in hold."""
    person = preference_links.read(Link.PAGE, token)
    if person is None:
        return _gone()
    fields = _fields(await request.body())
    return await run_in_threadpool(_save, person, fields, wakes)


def _save(person: Person, fields: list[tuple[str, str]], wakes: Publisher) -> HTMLResponse:
    shown = preference_page.save(person, fields, wake=wakes.offer)
    return _answer("page.html", 200 if shown.saved else 400, shown=shown, editable=True)


def _fields(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        return []


@router.get("/preview/{token}")
def preview(token: Token) -> HTMLResponse:
    """The page as it would be published now."""
    person = preference_links.read(Link.PREVIEW, token)
    if person is None:
        return _gone()
    return _answer("page.html", shown=preference_page.preview(person.world), editable=False)


@router.get("/unsubscribe/{token}")
def about(token: Token) -> HTMLResponse:
    """Asks whether to unsubscribe; changes nothing."""
    person = preference_links.read(Link.UNSUBSCRIBE, token)
    try:
        leaving = preference_page.may_leave(person) if person else None
    except NotFound:
        leaving = None
    return _answer("unsubscribe.html", leaving=leaving, done=False) if leaving else _gone()


@router.post("/unsubscribe/{token}")
def unsubscribe(token: Token, wakes: Wakes) -> HTMLResponse:
    """Unsubscribe, by the page's button or with one click of a mail program (RFC 8058)."""
    person = preference_links.read(Link.UNSUBSCRIBE, token)
    try:
        leaving = preference_page.leave(person, wake=wakes.offer) if person else None
    except NotFound:
        leaving = None
    return _answer("unsubscribe.html", leaving=leaving, done=True) if leaving else _gone()


def _gone() -> HTMLResponse:
    return _answer("gone.html", 404)


def _answer(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    nonce = token_urlsafe(16)
    held = values.get("shown") or values.get("leaving")
    brand = held.brand if held else PLAIN
    body = _PAGES.get_template(template).render(nonce=nonce, brand=brand, **values)
    return HTMLResponse(body, status_code=status, headers=_headers(nonce))


def _headers(nonce: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'nonce-{nonce}'; img-src https:; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        ),
        "Cache-Control": "no-store",
        # The URL opens the page to whoever has it.
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex",
        "X-Content-Type-Options": "nosniff",
    }
