"""Faults on purpose, see ``notify/faults.py``."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationInfo, field_validator


class FaultInjection(BaseModel):
    """See ``docs/settings.md``."""

    fault_injection: bool = Field(
        default=False, description="lets the next two break this instance; never in production"
    )
    fault_points: str | None = Field(
        default=None, description="`POINT:ACTION[:WHEN]` by commas, see `notify/faults.py`"
    )
    fault_dir: Path | None = Field(
        default=None, description="where faults are logged, and steered while processes run"
    )

    @field_validator("fault_points", "fault_dir")
    @classmethod
    def _faults_are_asked_for_twice(cls, value: Any, info: ValidationInfo) -> Any:
        if value and not info.data.get("fault_injection"):
            raise ValueError("faults need NOTIFY_FAULT_INJECTION=true")
        return value
