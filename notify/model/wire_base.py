"""What all parts of a request body share: leniency, limits, errors at a place."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, WrapValidator
from pydantic_core import InitErrorDetails, PydanticCustomError

YEAR_MS = 365 * 24 * 3600 * 1000
MAX_ID_LENGTH = 512

Ms = Annotated[int, Field(ge=0, le=YEAR_MS, description="Milliseconds; at most a year.")]
Id = Annotated[str, Field(min_length=1, max_length=MAX_ID_LENGTH)]


class WireModel(BaseModel):
    """Fields that are not known are ignored; null is the same as absent."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, validate_by_name=True, validate_by_alias=True, serialize_by_alias=True
    )


def read_by(read: Callable[[Any], Any], *, described_as: Any) -> WrapValidator:
    """``read`` alone turns what was sent into the field's value; OpenAPI shows ``described_as``.

    So a value with several spellings gives errors without pydantic's names for the members of a union.
    """
    return WrapValidator(lambda value, _: read(value), json_schema_input_type=described_as)


def kept_as_given(checked_by: TypeAdapter[Any], described_as: Any) -> WrapValidator:
    """Checked, and kept as it was given: what is shown again later, in the sender's own spelling."""

    def keep(value: Any) -> Any:
        checked_by.validate_python(value)
        return value

    return read_by(keep, described_as=described_as)


def problem(message: str, *path: str | int) -> ValidationError:
    """An error a validator raises to name a place below its own: pydantic puts the outer path in front."""
    # The text may hold the sender's own braces, so it is a value of the template and not the template.
    kind = PydanticCustomError("invalid", "{text}", {"text": message})
    return ValidationError.from_exception_data(
        "request", [InitErrorDetails(type=kind, loc=path, input=None)], hide_input=True
    )
