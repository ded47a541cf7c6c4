"""Brands as the API takes and shows them."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from notify.api.paging import Paging
from notify.api.storable import storable
from notify.clock import to_ms
from notify.store.brands import Brand

_Id = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\s/]+$"), AfterValidator(storable)]
MAX_SOURCE = 100_000
_Source = Annotated[str, Field(max_length=MAX_SOURCE)]
_Short = Annotated[str, Field(max_length=2048)]


class _Part(BaseModel):
    """What is not known is kept: it is shown again, and templates see it as ``brand``."""

    model_config = ConfigDict(extra="allow")


class Colors(_Part):
    primary: _Short | None = Field(default=None, examples=["#0f766e"])
    secondary: _Short | None = Field(default=None, examples=["#475569"])


class Logo(_Part):
    image: _Short | None = None
    href: _Short | None = None


class EmailHeader(_Part):
    logo: Logo | None = None
    barColor: _Short | None = Field(default=None, description="Of the line above everything.")
    inheritDefault: bool | None = Field(default=None, description="Take the default brand's.")


class Profile(_Part):
    url: _Short | None = None


class Social(_Part):
    facebook: Profile | None = None
    instagram: Profile | None = None
    linkedin: Profile | None = None
    medium: Profile | None = None
    twitter: Profile | None = None


class EmailFooter(_Part):
    markdown: _Source | None = None
    social: Social | None = None
    inheritDefault: bool | None = None


class EmailHead(_Part):
    content: _Source | None = Field(default=None, description="HTML for the page's head.")
    inheritDefault: bool | None = None


class Page(_Part):
    enabled: bool
    head: _Source | None = None
    header: _Source | None = None
    footer: _Source | None = None
    width: _Short | None = Field(default=None, examples=["640"])
    backgroundColor: _Short | None = None
    blocksBackgroundColor: _Short | None = None


class TemplateOverride(Page):
    """A page of your own around the content: HTML, or MJML where ``mjml.enabled``."""

    mjml: Page = Page(enabled=False)
    footerBackgroundColor: _Short | None = None
    footerFullWidth: bool | None = None


class EmailSettings(_Part):
    header: EmailHeader | None = None
    footer: EmailFooter | None = None
    head: EmailHead | None = None
    templateOverride: TemplateOverride | None = None


class Settings(_Part):
    colors: Colors | None = None
    email: EmailSettings | None = None
    inapp: dict[str, Any] | None = Field(default=None, description="Of an inbox widget; kept as it is.")


class Snippet(BaseModel):
    name: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,100}$", examples=["address"])
    value: _Source


class Snippets(BaseModel):
    items: list[Snippet] | None = None


class BrandBody(BaseModel):
    name: str = Field(min_length=1, max_length=255)
    settings: Settings | None = None
    snippets: Snippets | None = None

    def parts(self) -> dict[str, Any]:
        """What is stored of it."""
        given = storable(self.model_dump(exclude_none=True))
        return {
            "name": self.name,
            "settings": given.get("settings", {}),
            "snippets": given.get("snippets", {}),
        }


class NewBrandBody(BrandBody):
    settings: Settings
    id: _Id | None = None


class BrandView(BaseModel):
    """Times: UTC, epoch milliseconds."""

    id: str
    name: str
    created: int
    updated: int
    published: int
    version: str
    settings: dict[str, Any]
    snippets: dict[str, Any]
    default: bool = Field(description="What names no brand wears this one; ours, not the reference's.")


class BrandPage(BaseModel):
    paging: Paging
    results: list[BrandView]


def view(found: Brand) -> BrandView:
    """A brand as it is shown."""
    updated = to_ms(found.updated_at) or 0
    return BrandView(
        id=found.id,
        name=found.name,
        created=to_ms(found.created_at) or 0,
        updated=updated,
        published=updated,
        version=found.updated_at.isoformat(),
        settings=found.settings,
        snippets=found.snippets,
        default=found.is_default,
    )
