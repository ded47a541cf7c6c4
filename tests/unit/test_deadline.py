"""The deadline of requests: 503 when no answer has begun, and nothing of what comes later."""

import asyncio
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from notify.api.deadline import Deadline

SECONDS = 0.02


async def _call(app: Any, kind: str = "http") -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    await Deadline(app, SECONDS)({"type": kind}, receive, send)
    return sent


def _app(before_s: float, between_s: float) -> Any:
    async def app(_: Scope, __: Receive, send: Send) -> None:
        await asyncio.sleep(before_s)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(between_s)
        await send({"type": "http.response.body", "body": b"done"})

    return app


def test_what_hangs_gets_503_and_its_late_answer_goes_nowhere() -> None:
    start, body = asyncio.run(_call(_app(10 * SECONDS, 0)))
    assert start["status"] == 503
    assert int(dict(start["headers"])[b"retry-after"]) > 0
    assert b"service_unavailable" in body["body"]


def test_an_answer_that_has_begun_may_take_its_time() -> None:
    start, body = asyncio.run(_call(_app(0, 10 * SECONDS)))
    assert (start["status"], body["body"]) == (200, b"done")


def test_only_requests_have_a_deadline() -> None:
    assert [message["type"] for message in asyncio.run(_call(_app(5 * SECONDS, 0), "lifespan"))] == [
        "http.response.start",
        "http.response.body",
    ]
