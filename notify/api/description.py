"""The OpenAPI document, made whole: what FastAPI writes of the routes in, what callers may rely on out.

Names of operations that read well in generated clients, the scope of each, an example of each body, and the
errors that any endpoint may answer written once.
"""

import re
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from notify.api import scopes
from notify.api.errors import RESPONSES
from notify.api.examples import BODIES

Json = dict[str, Any]

_SENTENCE = re.compile(r"[.;]\s")

_METHODS = ("get", "put", "post", "delete", "patch")
_TEXTS = {
    403: "The API key or client token lacks the scope.",
    413: "The body is too large.",
    **{int(status): one["description"] for status, one in RESPONSES.items()},
}
_RETRY = {"Retry-After": "Seconds."}
_QUOTA = {
    "RateLimit-Limit": "Wrong keys that one address may try in a minute.",
    "RateLimit-Remaining": "How many are left.",
    "RateLimit-Reset": "Seconds until there is one more.",
}
_HEADERS = {"Error401": _QUOTA, "Error429": {**_QUOTA, **_RETRY}, "Error503": _RETRY}
_SHARED: Json = {
    f"Error{status}": {
        "description": text,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}},
    }
    for status, text in sorted(_TEXTS.items())
}


def operation_id(route: APIRoute) -> str:
    """``POST /lists/{id}/subscriptions`` by the function ``add``: ``lists_subscriptions_add``."""
    parts = [part for part in route.path_format.split("/") if part and not part.startswith("{")]
    if parts[-1:] != [route.name]:
        parts.append(route.name)
    return "_".join(parts).replace("-", "_")


def describe(app: FastAPI) -> None:
    """Have the application's document be the whole one."""
    generate = app.openapi

    def described() -> Json:
        if app.openapi_schema is None:
            _complete(generate())
        return generate()

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's documented way


def _complete(document: Json) -> None:
    for method, path, operation in operations(document):
        if summary := operation.get("description"):
            operation["summary"] = _SENTENCE.split(summary, maxsplit=1)[0].rstrip(".")
        scopes.describe(method, path, operation)
        answers = operation["responses"]
        # What FastAPI would answer; here it is 400.
        answers.pop("422", None)
        if "security" in operation:
            answers["403"] = _SHARED["Error403"]
        if "requestBody" in operation:
            answers["413"] = _SHARED["Error413"]
            _exemplify(operation)
        operation["responses"] = {status: _reference(status, answers[status]) for status in sorted(answers)}
    components = document["components"]
    components["responses"] = {name: _with_headers(name, one) for name, one in _SHARED.items()}
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)


def _with_headers(name: str, answer: Json) -> Json:
    described = {
        header: {"description": text, "schema": {"type": "integer"}}
        for header, text in _HEADERS.get(name, {}).items()
    }
    return {**answer, "headers": described} if described else answer


def _reference(status: str, answer: Json) -> Json:
    name = f"Error{status}"
    return {"$ref": f"#/components/responses/{name}"} if _SHARED.get(name) == answer else answer


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Every operation with its method and path."""
    for path, item in document["paths"].items():
        yield from ((method.upper(), path, item[method]) for method in _METHODS if method in item)


def _exemplify(operation: Json) -> None:
    content = operation["requestBody"]["content"]
    if "application/json" in content and (example := BODIES.get(operation["operationId"])) is not None:
        content["application/json"]["example"] = example
