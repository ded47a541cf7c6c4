"""The process's publisher, for endpoints."""

from typing import Annotated

from fastapi import Depends, Request

from notify.publisher import Publisher


async def _of(request: Request) -> Publisher:
    publisher: Publisher = request.app.state.publisher
    return publisher


Wakes = Annotated[Publisher, Depends(_of)]
"""For endpoints whose call has something to start."""
