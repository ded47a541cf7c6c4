"""``/notifications/{id}/content``, ``elements``, ``locales``, ``versions``: a template piece by piece."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES
from notify.api.idempotency import IdempotentRoute
from notify.api.notifications import LOCKED, NOT_FOUND, State
from notify.api.paging import Cursor, Paging, PathId, decode_as, page
from notify.api.publisher import Wakes
from notify.api.storable import storable
from notify.clock import to_ms
from notify.content.identity import checksums, with_checksums
from notify.manage import template_content, templates
from notify.manage.template_content import VERSION, Changed
from notify.store.templates import Template
from notify.store.templates import Version as StoredVersion

MAX_VERSIONS = 10
_CREATOR = "api"
router = APIRouter(
    tags=["notifications"],
    prefix="/notifications",
    responses=RESPONSES,
    dependencies=[DOCUMENTED],
    route_class=IdempotentRoute,
)
Version = Annotated[str, Query(description="`published`, `draft` or `v003`.")]


class Elements(BaseModel):
    elements: list[dict[str, Any]]
    version: str | None = None


class ContentBody(BaseModel):
    content: Elements
    state: State = "DRAFT"


class ElementBody(BaseModel):
    type: str = Field(max_length=100, examples=["text"])
    data: dict[str, Any] = Field(default_factory=dict, description="The fields of its type.")
    channels: list[str] | None = None
    if_: str | None = Field(default=None, alias="if")
    loop: str | None = None
    ref: str | None = None
    state: State = "DRAFT"

    def element(self) -> dict[str, Any]:
        """The element as a document holds it."""
        control = {"channels": self.channels, "if": self.if_, "loop": self.loop, "ref": self.ref}
        given = {key: value for key, value in control.items() if value is not None}
        return storable({**self.data, "type": self.type, **given})


class LocaleElement(BaseModel):
    model_config = ConfigDict(extra="allow")

    id: str = Field(examples=["elem_01"])


class LocaleBody(BaseModel):
    elements: list[LocaleElement] = Field(max_length=500)
    state: State = "DRAFT"


class ContentAnswer(BaseModel):
    elements: list[dict[str, Any]]
    version: str


class ElementChecksum(BaseModel):
    id: str
    checksum: str = Field(description="MD5 of what is translated.")


class Mutation(BaseModel):
    id: str
    version: str
    state: Literal["DRAFT", "PUBLISHED"]
    elements: list[ElementChecksum]


class VersionView(BaseModel):
    version: str = Field(examples=["draft", "published:v003", "v002"])
    created: int
    creator: str
    has_changes: bool | None = None


class VersionPage(BaseModel):
    paging: Paging
    versions: list[VersionView]


def _mutation(changed: Changed) -> Mutation:
    found = [ElementChecksum(**one) for one in checksums(changed.elements)]
    state: Literal["DRAFT", "PUBLISHED"] = "PUBLISHED" if changed.published else "DRAFT"
    return Mutation(id=changed.id, version=VERSION, state=state, elements=found)


@router.get("/{template_id}/content", responses=NOT_FOUND)
def get(template_id: PathId, caller: Authenticated, version: Version = "published") -> ContentAnswer:
    """A version's content, with a checksum for each element and each of its locales."""
    content: Mapping[str, Any] = template_content.get(caller.world, template_id, version)
    return ContentAnswer(version=VERSION, elements=with_checksums(content.get("elements") or []))


@router.put("/{template_id}/content", responses={**NOT_FOUND, **LOCKED})
def put(template_id: PathId, body: ContentBody, caller: Authenticated, wakes: Wakes) -> Mutation:
    """Replace all elements of the draft; one that keeps its id keeps its locales."""
    content = storable(body.content.model_dump())
    return _mutation(
        template_content.put(
            caller.world, template_id, content, publish=body.state == "PUBLISHED", wake=wakes.offer
        )
    )


@router.put("/{template_id}/elements/{element_id}", responses={**NOT_FOUND, **LOCKED})
def put_element(
    template_id: PathId, element_id: PathId, body: ElementBody, caller: Authenticated, wakes: Wakes
) -> Mutation:
    """Replace one element of the draft."""
    publish = body.state == "PUBLISHED"
    return _mutation(
        template_content.put_element(
            caller.world, template_id, element_id, body.element(), publish=publish, wake=wakes.offer
        )
    )


@router.put("/{template_id}/locales/{locale_id}", responses={**NOT_FOUND, **LOCKED})
def put_locale(
    template_id: PathId, locale_id: PathId, body: LocaleBody, caller: Authenticated, wakes: Wakes
) -> Mutation:
    """Merge what elements of the draft say in a locale."""
    changes = storable([one.model_dump() for one in body.elements])
    publish = body.state == "PUBLISHED"
    return _mutation(
        template_content.put_locale(
            caller.world, template_id, locale_id, changes, publish=publish, wake=wakes.offer
        )
    )


@router.get("/{template_id}/versions", responses=NOT_FOUND, response_model_exclude_none=True)
def versions(
    template_id: PathId,
    caller: Authenticated,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=MAX_VERSIONS)] = MAX_VERSIONS,
) -> VersionPage:
    """The draft, then the published versions, newest first."""
    query = ("versions", template_id)
    before = decode_as(_number, cursor, query)
    room = limit if before is not None else limit - 1
    template, found = templates.versions(caller.world, template_id, before=before, limit=room + 1)
    rows = [_version(template, one) for one in found[:room]]
    first = [] if before is not None else [_draft(template)]
    last = str(found[: len(rows)][-1].number) if rows else str(_BEYOND)
    return VersionPage(paging=page(found, last, query, room), versions=first + rows)


_BEYOND = 2**31 - 1
"""No version has a number as high."""


def _draft(template: Template) -> VersionView:
    at = template.updated_at or template.created_at
    changed = template.draft != template.published
    return VersionView(version="draft", created=to_ms(at) or 0, creator=_CREATOR, has_changes=changed)


def _version(template: Template, version: StoredVersion) -> VersionView:
    name = f"v{version.number:03}"
    name = f"published:{name}" if version.number == template.published_version else name
    return VersionView(version=name, created=to_ms(version.created_at) or 0, creator=_CREATOR)


def _number(text: str) -> int:
    if not 0 <= (number := int(text)) <= _BEYOND:
        raise ValueError("no version has this number")
    return number
