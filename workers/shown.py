"""How tasks show in Flower and in events: how many ids, which lane; never what else their arguments hold."""

from celery.worker.request import Request as CeleryRequest

from notify.model.names import Lane

_LANES = frozenset(map(str, Lane))


class Request(CeleryRequest):  # type: ignore[misc]  # celery is untyped
    """Says so itself, whatever the sender has said: what is tried again is sent by Celery, with all of it."""

    @property
    def argsrepr(self) -> str:
        match self.args:
            case [list(ids), str(lane)] if lane in _LANES:
                return f"({len(ids)} told, {lane})"
            case []:
                return "()"
        return "(hidden)"

    @property
    def kwargsrepr(self) -> str:
        return "(hidden)" if self.kwargs else "{}"
