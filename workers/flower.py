"""Flower: ``celery -A workers.flower flower``. It needs our broker and none of our code.

Its ``/metrics`` asks for the password like everything else; what is left open is ``/healthcheck``.
"""

from flower.views.monitor import Metrics  # type: ignore[import-untyped]
from tornado.web import authenticated

from notify.queue import celery as app

__all__ = ["app"]

Metrics.get = authenticated(Metrics.get)
