"""The sandbox keeps everything."""

from notify.model.call import Accepted, KeepCall, Kept
from notify.model.output import SmsOutput

from .cases import Cases, Send


def _kept(call: object) -> None:
    assert call == KeepCall()


CASES = Cases(
    key="sandbox",
    settings={},
    secrets=(),
    required=(),
    incomplete=({}, {"phone_number": "+4930123"}),
    sends=(
        Send(
            name="anything",
            profile={"email": "ada@example.com"},
            output=SmsOutput(body="Ada, hello"),
            check=_kept,
        ),
    ),
    answers=((Kept(), Accepted()),),
)
