"""Templates and their bounds; links in what is sent."""

from pydantic import BaseModel, Field, ValidationInfo, field_validator

from notify.settings.values import Bytes, Words


class Content(BaseModel):
    """See ``docs/settings.md``."""

    template_checks: Words = Field(
        default=(), description="checks, by comma, that a draft must pass to be published; none: no approval"
    )
    template_timeout_ms: int = Field(default=500, gt=0, description="time one document may take to render")
    max_template_steps: int = Field(default=10_000, gt=0, description="loop passes of one document")
    max_output_bytes: Bytes = Field(default=1024 * 1024, description="size of one rendered document")
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$",
        description="where the world reaches the API; providers report there, tracked links lead there",
    )
    tracking_opens: bool = Field(default=False, description="a pixel in e-mails tells that they are opened")
    tracking_clicks: bool = Field(default=False, description="links lead through us and tell of clicks")

    @field_validator("tracking_opens", "tracking_clicks")
    @classmethod
    def _tracking_needs_an_address(cls, value: bool, info: ValidationInfo) -> bool:
        if value and not info.data.get("public_url"):
            raise ValueError("tracking needs NOTIFY_PUBLIC_URL")
        return value
