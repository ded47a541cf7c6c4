"""How long what is kept, in days."""

from pydantic import BaseModel, Field, ValidationInfo, field_validator


class Retention(BaseModel):
    """See ``docs/settings.md``."""

    retention_days: int = Field(default=90, ge=7, description="how long messages and deliveries are kept")
    content_retention_days: int | None = Field(
        default=None, ge=7, description="what messages said and what was asked; default: as long as messages"
    )
    event_retention_days: int | None = Field(
        default=None, ge=7, description="the log of each message; default: as long as messages"
    )
    webhook_log_retention_days: int = Field(
        default=14, ge=7, description="the log of outbound webhooks' calls"
    )
    audit_retention_days: int = Field(default=365, ge=1, description="who changed what")
    preference_log_retention_days: int = Field(
        default=1095, ge=1, description="what users changed of their preferences"
    )

    @field_validator("content_retention_days", "event_retention_days")
    @classmethod
    def _not_longer_than_the_message(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and value > info.data.get("retention_days", value):
            raise ValueError("must not be longer than NOTIFY_RETENTION_DAYS")
        return value
