"""The sandbox's transport: nothing leaves."""

from notify.model.call import KeepCall, Kept

_KEPT = Kept()


def keep(call: KeepCall) -> Kept:
    return _KEPT
