"""The forms of a recipient that stand for many: lists, patterns of lists, audiences, tenants."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from notify.model import patterns
from notify.model.wire_base import Id, WireModel, problem
from notify.model.wire_forms import TenantContext


class MemberOf(WireModel):
    """Keeps those who are members of a tenant."""

    operator: Literal["MEMBER_OF"]
    path: Literal["account_id", "tenant_id"]
    value: Id


Filters = Annotated[list[MemberOf], Field(max_length=10)]


class _Group(WireModel):
    data: dict[str, Any] | None = Field(default=None, description="Merged over `message.data`.")
    context: TenantContext | None = None
    tenant_id: Id | None = Field(default=None, description="The tenant in whose context all of them get it.")
    account_id: Id | None = Field(default=None, description="Old name of `tenant_id`.")


class ListTo(_Group):
    """Everybody who is subscribed to the list."""

    list_id: Id
    filters: Filters | None = None


def _pattern(text: str) -> str:
    try:
        patterns.parse(text)
    except ValueError as error:
        raise problem(str(error)) from None
    return text


class ListPatternTo(_Group):
    """Everybody who is subscribed to a list that matches, once each."""

    list_pattern: Annotated[Id, AfterValidator(_pattern)] = Field(
        examples=["orders.*", "orders.**"],
        description="`*` stands for one part of an id, `**` at the end for one or more.",
    )
    filters: Filters | None = None


class AudienceTo(_Group):
    """Everybody who matches the audience's filter when it is sent."""

    audience_id: Id
    filters: Filters | None = None


class TenantTo(WireModel):
    """Every member of the tenant, each in its context."""

    tenant_id: Id
    include_children: bool | None = Field(
        default=None, description="The members of the tenants below it, too; once each, in their own context."
    )
    data: dict[str, Any] | None = Field(default=None, description="Merged over `message.data`.")
