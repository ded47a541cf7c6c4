"""How much workers take at once, for how long, and the rhythm of the periodic tasks."""

from pydantic import BaseModel, Field

from notify.settings.values import Seconds


class Stages(BaseModel):
    """See ``docs/settings.md``."""

    batch_size: int = Field(
        default=100, gt=0, le=1000, description="work rows a stage claims at once at most"
    )
    bulk_above: int = Field(
        default=50, ge=0, description="recipients of one send from which on it takes the bulk lane"
    )
    expand_chunk: int = Field(
        default=1000, gt=0, le=20_000, description="recipients of a list or audience looked up at once"
    )
    bulk_backlog: int = Field(
        default=200_000,
        gt=0,
        description="unfinished bulk messages from which on lists are not expanded further",
    )
    expand_wait_s: Seconds = Field(default=1.0, description="how long they then wait before the next look")
    single_tenant_context: bool = Field(
        default=True, description="who is a member of just one tenant is sent to in its context"
    )
    lease_s: Seconds = Field(
        default=6.0,
        description="a dead worker's rows are free again after this; kept alive while they are worked on",
    )
    max_lost: int = Field(
        default=3, gt=0, description="workers one piece of work may kill before it is set aside"
    )
    task_time_limit_s: Seconds = Field(
        default=120.0,
        description="a task that runs longer stops what it is at; at 1.25 times that its process is ended",
    )
    worker_max_tasks: int = Field(
        default=20_000, gt=0, description="tasks after which a worker's process is replaced"
    )
    worker_max_memory_mb: int = Field(
        default=600, gt=0, description="memory likewise; looked at after each task"
    )
    horizon_s: float = Field(
        default=15.0,
        ge=0,
        description="waits up to this are Celery countdowns, longer ones the dispatcher's; 0 with RabbitMQ",
    )
    visibility_timeout_s: Seconds = Field(
        default=300.0,
        description="an unacknowledged task comes back after this; keep it well above the horizon",
    )
    dispatch_every_s: Seconds = Field(
        default=5.0, description="interval of the dispatcher; 1 with RabbitMQ, where all waits are its own"
    )
    reconcile_every_s: Seconds = Field(default=2.0, description="interval of the reconciler")
    reconcile_grace_s: Seconds = Field(
        default=5.0, description="how long ready work may lie before it is published again"
    )
    pass_size: int = Field(default=1000, gt=0, description="rows one pass of a periodic task may touch")
