"""Health: ``live`` says the process answers, ``ready`` that it can do its work. The only open endpoints."""

from fastapi import APIRouter
from starlette.responses import JSONResponse

from notify.manage import health

router = APIRouter(tags=["health"], prefix="/health")


@router.get("/live")
async def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/ready", responses={503: {"description": "It cannot; `problems` says why."}})
def ready() -> JSONResponse:
    """200 when database, migrations and broker are fine, else 503 naming what is not."""
    problems = health.problems()
    body = {"status": "unavailable" if problems else "ok", "problems": problems}
    return JSONResponse(body, status_code=503 if problems else 200)
