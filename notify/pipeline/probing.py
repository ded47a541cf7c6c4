"""Probing: provider configurations in, whether their credentials work out. Nothing is sent to anybody."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from notify.errors import InvalidRequest
from notify.model.call import Accepted, Answer, Call, NoAnswer, Permanent, SmtpAnswer, Transient
from notify.pipeline import calling
from notify.providers.base import load_settings
from notify.providers.registry import REGISTRY
from notify.store.providers import Configured


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """``problem``: None when it works. ``asked``: False where the provider has nothing to ask."""

    configured: Configured
    problem: str | None = None
    asked: bool = True


def probe(configured: Sequence[Configured]) -> Iterator[Probed]:
    """Ask each provider whether it knows us."""
    calls: list[tuple[UUID, Call]] = []
    asked = {entry.id: entry for entry in configured}
    for entry in configured:
        try:
            call = _call(entry)
        except InvalidRequest as error:
            yield Probed(configured=entry, problem=f"its settings are wrong: {error}")
            continue
        if call is None:
            yield Probed(configured=entry, asked=False)
        else:
            calls.append((entry.id, call))
    for group in calling.execute(calls):
        for id_, answer in group:
            yield Probed(configured=asked[id_], problem=_problem(asked[id_], answer))


def _call(entry: Configured) -> Call | None:
    provider = REGISTRY.get(entry.provider)
    if provider is None:
        raise InvalidRequest(f"no provider {entry.provider!r} is known")
    settings = load_settings(provider, entry.settings)
    make = getattr(provider, "probe", None)
    call: Call | None = make(settings) if make else None
    return call


def _problem(entry: Configured, answer: Answer) -> str | None:
    match answer:
        case NoAnswer(error=error):
            return error
        case SmtpAnswer(code=code) if 200 <= code < 300:
            return None
    outcome = REGISTRY[entry.provider].outcome(answer)
    match outcome:
        case Permanent(reason=reason) | Transient(reason=reason):
            return reason
        case Accepted():
            return None
    return None
