"""``GET /metrics`` for Prometheus: what all processes of this machine have counted, and the queues' state."""

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from notify.api import throttle
from notify.errors import Unauthenticated
from notify.manage import exposition

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Closed without the token of the settings: counts tell a stranger how much is sent, and by whom."""
    given = request.headers.get("authorization", "")
    with throttle.watched(request, given):
        if not exposition.is_allowed(given):
            raise Unauthenticated("Give the token of NOTIFY_METRICS_TOKEN: 'Authorization: Bearer <token>'.")
    body, content_type = await run_in_threadpool(exposition.of_everything, request.headers.get("accept", ""))
    return Response(body, headers={"content-type": content_type})
