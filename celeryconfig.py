"""Celery: broker, queues, routes, acknowledgement, limits and the periodic tasks, each with its reason.

PostgreSQL holds the truth; the broker carries wake-ups. Everything here may lose or repeat a task without
losing or repeating a message.
"""

from datetime import datetime, timedelta

from celery.schedules import schedstate, schedule
from kombu import Exchange, Queue

from notify import clock, queue, settings

_settings = settings.load()

# --- broker
broker_url = _settings.broker_url
broker_connection_retry_on_startup = True  # a worker that starts before its broker waits for it
broker_connection_timeout = 2  # seconds; a publish must not hang while the broker is away
# A half-open connection shows itself within seconds instead of never.
_redis_options = {
    # A task that is not acknowledged comes back after this; above the horizon of countdowns and any task's
    # run time, or it would run again and again while it waits.
    "visibility_timeout": int(_settings.visibility_timeout_s),
    # Look for such tasks every second (the defaults add up to 100 s on top of the timeout).
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 10,
    # In the order in which a worker names its queues, what is far along before what begins.
    "queue_order_strategy": "workers.turns:Turns",
}
_sentinel_password = _settings.sentinel_password
_sentinel_options = {
    **_redis_options,
    "master_name": _settings.sentinel_master,
    "sentinel_kwargs": {
        "password": _sentinel_password and _sentinel_password.get_secret_value(),
        "socket_timeout": 2,
    },
}
_amqp_options = {
    # A publish that the broker does not take (it is short of memory or disk, say) fails, and does not hang.
    "confirm_publish": True,
    "write_timeout": 5,
    # Nor does anything wait for ever for an answer, see `workers.leaderless`. Below half of the heartbeat:
    # the server's own count as answers.
    "read_timeout": 5,
}
_scheme = broker_url.partition("://")[0]
_amqp = _scheme.startswith("amqp")
broker_transport_options = (
    _amqp_options if _amqp else _sentinel_options if _scheme == "sentinel" else _redis_options
)
_thrifty = {
    "redis": "workers.thrifty:Transport",
    "rediss": "workers.thrifty:Transport",
    "sentinel": "workers.thrifty:SentinelTransport",
}
broker_transport = _thrifty.get(_scheme)  # else what the scheme stands for
# A Redis that refuses a worker's own bookkeeping (it is full, say) is waited for, like one that is away.
broker_channel_error_retry = not _amqp
broker_heartbeat = 20  # seconds; only AMQP has it, and only workers, whose loop answers, ask for it
task_publish_retry_policy = {"max_retries": 1, "interval_start": 0}  # once, for a stale connection
result_backend = None  # nobody asks a stage for its result
task_ignore_result = True

# --- messages on the wire
task_serializer = "json"
accept_content = ["json"]
task_protocol = 2
enable_utc = True

# --- queues: one per stage, channel and lane, so that each scales and stalls on its own
# On the broker's default exchange a queue needs no binding, so a broker that comes back empty drops nothing.
# A RabbitMQ cluster keeps quorum queues on several nodes. A task that so many workers died of is given up
# there: its work is in the database, and with it the count by which it is set aside.
_queue_arguments = {"x-queue-type": "quorum", "x-delivery-limit": 20} if _amqp else None
task_queues = [
    Queue(name, Exchange(""), routing_key=name, queue_arguments=_queue_arguments) for name in queue.names()
]
task_create_missing_queues = False  # a misspelt queue name is an error, not a new queue
task_default_queue = queue.MAINTENANCE
task_default_exchange = ""
task_default_routing_key = queue.MAINTENANCE

# --- acknowledgement
task_acks_late = True  # a killed worker's task comes back
task_acks_on_failure = True  # the work row knows better than the broker what is to be tried again
task_acks_on_timeout = True  # likewise
task_reject_on_worker_lost = False  # likewise: the lease ends, the reconciler wakes the work up
worker_prefetch_multiplier = 1  # the next batch forms in the database, not in a worker's memory
worker_eta_task_limit = 10_000  # countdowns held per worker; only those of the next seconds, see the horizon
# Quorum queues know no global prefetch, so a worker could hold no countdown without standing still; there are
# none over AMQP, see `horizon_s`. Hence no use for Celery's delayed delivery either, nor for its 28 queues.
worker_detect_quorum_queues = True
worker_consumer = "workers.consumer:Consumer"
worker_cancel_long_running_tasks_on_connection_loss = False  # claims, not connections, own the work

# --- limits
task_soft_time_limit = _settings.task_time_limit_s  # a batch is bounded by provider timeouts far below it
task_time_limit = _settings.task_time_limit_s * settings.TASK_END
worker_max_tasks_per_child = _settings.worker_max_tasks  # slow leaks end here
worker_max_memory_per_child = _settings.worker_max_memory_mb * 1024  # KiB
worker_soft_shutdown_timeout = 10.0  # seconds for batches under way at a deploy

# --- what operators watch
worker_send_task_events = True  # Flower
task_send_sent_event = False  # one event more per publish, for nothing Flower needs
worker_hijack_root_logger = False  # our own structured logs
event_queue_ttl = 30
# RabbitMQ 4 no longer has queues that are neither durable nor somebody's own.
control_queue_exclusive = event_queue_exclusive = _amqp


class Every(schedule):
    """An interval by a clock that does not jump: celery's own is silent for as long as it was set back.

    What an earlier beat has written down may lie ahead for the same reason, and is due.
    """

    def __init__(self, run_every: timedelta | float, *_: object) -> None:
        super().__init__(run_every, nowfun=clock.steady)

    def is_due(self, last_run_at: datetime) -> schedstate:
        """Whether to run now, and when to ask again (seconds)."""
        if last_run_at > self.now():
            return schedstate(is_due=True, next=self.seconds)
        return super().is_due(last_run_at)


# --- periodic tasks: bounded passes, any number may run at once; a late one is worthless, hence expires
beat_max_loop_interval = 1
beat_schedule = {
    "dispatch": {
        "task": "dispatch",
        "schedule": Every(_settings.dispatch_every_s),
        "options": {"queue": queue.MAINTENANCE, "expires": _settings.dispatch_every_s * 2},
    },
    "reconcile": {
        "task": "reconcile",
        "schedule": Every(_settings.reconcile_every_s),
        "options": {"queue": queue.MAINTENANCE, "expires": _settings.reconcile_every_s * 2},
    },
    "retention": {
        "task": "retention",
        "schedule": Every(3600.0),
        "options": {"queue": queue.MAINTENANCE, "expires": 1800.0},
    },
}
if _settings.canary_every_s:
    beat_schedule["canary"] = {
        "task": "canary",
        "schedule": Every(_settings.canary_every_s),
        "options": {"queue": queue.MAINTENANCE, "expires": _settings.canary_every_s},
    }
