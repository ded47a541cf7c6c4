"""What is wrong with a request: pydantic's errors in, the sentence its sender reads out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_SHOWN = 5
_ELSEWHERE = {"query", "path", "header"}


def describe_all(problems: Sequence[Any], body: Any = None) -> str:
    """The first few, each with its place; ``body``: what they are about, where it is known."""
    found = dict.fromkeys(_describe(one, body) for one in problems)
    return "; ".join(list(found)[:_SHOWN])


def _describe(problem: Any, body: Any) -> str:
    """``message.routing.method: Input should be 'single' or 'all'``."""
    text = sentence(problem)
    if problem["type"] == "json_invalid":
        return f"The body is not valid JSON: {problem.get('ctx', {}).get('error', text)}"
    if problem["type"] in {"model_attributes_type", "model_type"}:
        text = "Input should be an object"
    return f"{_path(problem, body) or 'body'}: {text}"


def sentence(problem: Any) -> str:
    """What is wrong, without where: of a check of ours, its own words."""
    text: str = problem["msg"]
    return text.removeprefix("Value error, ")


def _path(problem: Any, body: Any) -> str:
    location = problem["loc"]
    parts = location[1:] if location and location[0] in {"body", *_ELSEWHERE} else location
    if isinstance(body, Mapping | list) and not (location and location[0] in _ELSEWHERE):
        parts = list(_given(parts, body, missing=problem["type"] == "missing"))
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".")


def _given(parts: Sequence[int | str], body: Any, *, missing: bool) -> Iterator[int | str]:
    """The place without the names of types, which pydantic puts in where there is a choice of several."""
    at = body
    for number, part in enumerate(parts):
        if isinstance(at, Mapping) and part in at:
            at = at[str(part)]
        elif isinstance(at, list) and isinstance(part, int) and part < len(at):
            at = at[part]
        elif not (missing and number == len(parts) - 1):
            continue
        yield part
