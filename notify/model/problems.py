"""What is wrong with a request: pydantic's errors in, the sentence its sender reads out."""

from collections.abc import Sequence
from typing import Any

_SHOWN = 5


def describe_all(problems: Sequence[Any]) -> str:
    """The first few, each with its place."""
    return "; ".join(map(_describe, problems[:_SHOWN]))


def _describe(problem: Any) -> str:
    """``message.routing.method: Input should be 'single' or 'all'``."""
    location = _path(problem["loc"])
    text = sentence(problem)
    if problem["type"] == "json_invalid":
        return f"The body is not valid JSON: {problem.get('ctx', {}).get('error', text)}"
    if problem["type"] in {"model_attributes_type", "model_type"}:
        text = "Input should be an object"
    return f"{location or 'body'}: {text}"


def sentence(problem: Any) -> str:
    """What is wrong, without where: of a check of ours, its own words."""
    text: str = problem["msg"]
    return text.removeprefix("Value error, ")


def _path(location: Sequence[int | str]) -> str:
    parts = location[1:] if location and location[0] in {"body", "query", "path", "header"} else location
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".")
