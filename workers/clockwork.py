"""Beat within a worker, ``celery worker --with-beat``: as a thread, where Celery's ``-B`` forks a process."""

from threading import Event, Thread
from typing import Any

from celery import Celery, bootsteps
from celery.beat import Service
from click import Option

from notify import log

_AGAIN_AFTER_S = 1.0
_log = log.get(__name__)

OPTION = Option(["--with-beat"], is_flag=True, help="Start the periodic tasks too, in a thread.")


class Beat(Thread):
    """Runs until it is stopped, whatever happens: nobody else would start it again."""

    def __init__(self, app: Celery, schedule_filename: str | None) -> None:
        super().__init__(name="beat", daemon=True)
        self._app, self._filename = app, schedule_filename
        self._stopped = Event()
        self._service = self._new()

    def _new(self) -> Any:
        # The worker around it answers remote control.
        return Service(self._app, schedule_filename=self._filename, remote_control=False)

    def run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._service.start()
            except Exception as error:  # noqa: BLE001  # a broker away for long, a schedule that is no file
                _log.warning("beat.failed", error=type(error).__name__)
                self._stopped.wait(_AGAIN_AFTER_S)
                self._service = self._new()

    def stop(self) -> None:
        """Stop within a second or two, with the schedule written down."""
        self._stopped.set()
        self._service.stop()
        self.join()


class BeatStep(bootsteps.StartStopStep):  # type: ignore[misc]  # celery is untyped
    """Starts and stops it with the worker."""

    conditional = True

    def __init__(self, worker: Any, with_beat: bool = False, **options: Any) -> None:
        self.enabled = with_beat
        super().__init__(worker, **options)

    def create(self, worker: Any) -> Beat:
        return Beat(worker.app, worker.schedule_filename)
