"""``/notifications/{id}/metrics``: how a template fares."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES
from notify.api.paging import PathId
from notify.api.storable import storable
from notify.errors import InvalidParams
from notify.manage import template_metrics
from notify.manage.template_metrics import Granularity, Series

router = APIRouter(
    tags=["notifications"], prefix="/notifications", responses=RESPONSES, dependencies=[DOCUMENTED]
)
_COUNTED = ("sent", "delivered", "opened", "clicked", "errors", "undeliverable")


class Counts(BaseModel):
    """Messages that a provider handled. ``errors``: it failed on; another may have delivered them."""

    channel: str
    provider: str
    sent: int
    delivered: int
    opened: int
    clicked: int
    errors: int
    undeliverable: int


class Bucket(BaseModel):
    period: str
    data: list[Counts]


class Metrics(BaseModel):
    notificationId: str
    granularity: Granularity
    start: str
    end: str
    series: list[Bucket]


@router.get("/{template_id}/metrics")
def get(
    template_id: PathId,
    caller: Authenticated,
    start: Annotated[str | None, Query(description="ISO 8601, with an offset; needs `end`.")] = None,
    end: Annotated[str | None, Query(description="Exclusive.")] = None,
    lookback: Annotated[str | None, Query(description="ISO 8601 duration; default P30D.")] = None,
    granularity: Annotated[str, Query(description="HOUR, DAY, WEEK or MONTH.")] = "DAY",
) -> Metrics:
    """Each bucket of the window, and what became of the messages accepted in it."""
    size = _granularity(granularity)
    found = template_metrics.series(
        caller.world,
        template_id,
        size,
        start=_instant("start", start),
        end=_instant("end", end),
        lookback=storable(lookback),
    )
    return Metrics(
        notificationId=template_id,
        granularity=size,
        start=_written(found.edges[0]),
        end=_written(found.edges[-1]),
        series=_buckets(found),
    )


def _buckets(found: Series) -> list[Bucket]:
    by_bucket: dict[int, list[Counts]] = {}
    for row in found.rows:
        by_bucket.setdefault(row.bucket, []).append(_counts(row))
    starts = found.edges[:-1]
    return [Bucket(period=_written(at), data=by_bucket.get(n, [])) for n, at in enumerate(starts, 1)]


def _counts(row: Any) -> Counts:
    counted = {name: getattr(row, name) for name in _COUNTED}
    return Counts(channel=row.channel, provider=row.provider, **counted)


def _written(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _granularity(name: str) -> Granularity:
    try:
        return Granularity(name.upper())
    except ValueError:
        raise InvalidParams("granularity: must be HOUR, DAY, WEEK or MONTH") from None


def _instant(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise InvalidParams(f"{name}: must be an ISO 8601 timestamp with an offset") from None
