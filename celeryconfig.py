"""Celery: broker, queues, routes, acknowledgement, limits and the periodic tasks, each with its reason.

PostgreSQL holds the truth; the broker carries wake-ups. Everything here may lose or repeat a task without
losing or repeating a message.
"""

from kombu import Exchange, Queue

from notify import queue, settings

_settings = settings.load()

# --- broker
broker_url = _settings.broker_url
broker_connection_retry_on_startup = True  # a worker that starts before its broker waits for it
broker_connection_timeout = 2  # seconds; a publish must not hang while the broker is away
broker_transport_options = {
    # A task that is not acknowledged comes back after this; above the horizon of countdowns and any task's
    # run time, or it would run again and again while it waits.
    "visibility_timeout": int(_settings.visibility_timeout_s),
    # Look for such tasks every second (the defaults add up to 100 s on top of the timeout).
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
    # A half-open connection shows itself within seconds instead of never.
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 10,
}
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
_names = [*(queue.queue_of(place) for place in queue.places()), queue.MAINTENANCE]
task_queues = [Queue(name, Exchange(""), routing_key=name) for name in _names]
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
worker_cancel_long_running_tasks_on_connection_loss = False  # claims, not connections, own the work

# --- limits
task_soft_time_limit = 120  # seconds; a batch is bounded by provider timeouts far below it
task_time_limit = 150
worker_max_tasks_per_child = 20_000  # slow leaks end here
worker_max_memory_per_child = 600_000  # KiB
worker_soft_shutdown_timeout = 10.0  # seconds for batches under way at a deploy

# --- what operators watch
worker_send_task_events = True  # Flower
task_send_sent_event = False  # one event more per publish, for nothing Flower needs
worker_hijack_root_logger = False  # our own structured logs
event_queue_ttl = 30

# --- periodic tasks: bounded passes, any number may run at once; a late one is worthless, hence expires
beat_max_loop_interval = 1
beat_schedule = {
    "dispatch": {
        "task": "dispatch",
        "schedule": _settings.dispatch_every_s,
        "options": {"queue": queue.MAINTENANCE, "expires": _settings.dispatch_every_s * 2},
    },
    "reconcile": {
        "task": "reconcile",
        "schedule": _settings.reconcile_every_s,
        "options": {"queue": queue.MAINTENANCE, "expires": _settings.reconcile_every_s * 2},
    },
    "retention": {
        "task": "retention",
        "schedule": 3600.0,
        "options": {"queue": queue.MAINTENANCE, "expires": 1800.0},
    },
}
