"""The pruned tree of a plan: a routing in, what can succeed out, the rest noted with its reason.

What the recipient does not want is left out first. Then checks go from what an operator mends (configuration)
to what the sender meant (conditions), so that the reason noted for an entry is its last obstacle.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from notify.errors import ContentError
from notify.model.names import Channel
from notify.model.plan import Candidate, Leaf, Method, Node, ProviderOption, SkipCode, Skipped
from notify.model.wire import ChannelEntry, ProviderEntry, Routing
from notify.routing.effective import ChannelLevels, Levels
from notify.routing.verdict import furthest

_CHANNELS = frozenset(Channel)
_UNWANTED = "the recipient has not chosen this channel for the topic"

Path = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Offer:
    """A provider that a channel might use. ``name`` is as the list has it, or the provider's key.

    ``option`` is None for what is listed and not configured, ``listed`` when there is no list.
    """

    name: str
    listed: ProviderEntry | None
    option: ProviderOption | None


@dataclass(frozen=True, slots=True)
class _Taken:
    """A candidate, and the name of the offer it came from."""

    name: str
    candidate: Candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Builds one message's tree; ``skipped`` fills up on the way."""

    options: Sequence[ProviderOption]
    serves: Callable[[Channel, str], bool]
    evaluate: Callable[[str], bool]
    levels: Levels
    suppressed: Mapping[Channel, str] = field(default_factory=dict)
    wants: Callable[[Channel], bool] = lambda channel: True
    skipped: list[Skipped] = field(default_factory=list)

    def node(self, routing: Routing, path: Path = ()) -> Node:
        """May be without entries, when none of them can succeed."""
        built = (self._entry(entry, (*path, index)) for index, entry in enumerate(routing.channels))
        return Node(method=routing.method, entries=tuple(entry for entry in built if entry is not None))

    def _entry(self, entry: Routing | ChannelEntry, path: Path) -> Node | Leaf | None:
        if isinstance(entry, ChannelEntry):
            return self._channel_entry(entry, path)
        node = self.node(entry, path)
        return node if node.entries else None

    def _channel_entry(self, entry: ChannelEntry, path: Path) -> Node | Leaf | None:
        obstacles = []
        for channel, listed in self._ways(entry):
            built = self._channel(entry, channel, listed, path)
            if not isinstance(built, Skipped):
                return built
            obstacles.append(built)
        self.skipped.append(furthest(obstacles) if obstacles else _unknown(entry.channel))
        return None

    def _ways(self, entry: ChannelEntry) -> Iterator[tuple[Channel, list[ProviderEntry] | None]]:
        """The channels an entry may mean: itself, or those of the provider it names."""
        if entry.channel in _CHANNELS:
            yield Channel(entry.channel), None
            return
        named = ProviderEntry(provider=entry.channel)
        channels = (channel for option in self._matching(entry.channel) for channel in option.channels)
        yield from ((channel, [named]) for channel in dict.fromkeys(channels))

    def _channel(
        self, entry: ChannelEntry, channel: Channel, named: list[ProviderEntry] | None, path: Path
    ) -> Node | Leaf | Skipped:
        if not self.wants(channel):
            return Skipped(entry=entry.channel, code=SkipCode.CHANNEL_DISABLED, detail=_UNWANTED)
        rules = self.levels.channel(entry, channel)
        listed = named or rules.providers()
        taken, skipped = self._candidates(rules, channel, listed)
        if not taken:
            return _obstacle(entry.channel, channel, listed, skipped)
        if (why := self._unmet(rules.conditions())) is not None:
            return Skipped(entry=entry.channel, code=SkipCode.FILTERED, detail=why)
        if (why := self.suppressed.get(channel)) is not None:
            return Skipped(entry=entry.channel, code=SkipCode.SUPPRESSED, detail=why)
        self.skipped.extend(skipped)
        return _shape(rules, channel, taken, path)

    def _candidates(
        self, rules: ChannelLevels, channel: Channel, listed: list[ProviderEntry] | None
    ) -> tuple[list[_Taken], list[Skipped]]:
        """Each configuration once, in the order of the list."""
        taken: dict[str, _Taken] = {}
        skipped = []
        for offer in self._offers(channel, listed):
            found = self._candidate(rules, channel, offer)
            if isinstance(found, Skipped):
                skipped.append(found)
            else:
                taken.setdefault(found.id, _Taken(offer.name, found))
        return list(taken.values()), skipped

    def _offers(self, channel: Channel, listed: list[ProviderEntry] | None) -> Iterator[_Offer]:
        if listed is None:
            for option in self.options:
                if channel in option.channels:
                    yield _Offer(name=option.provider, listed=None, option=option)
            return
        for entry in listed:
            matching = [option for option in self._matching(entry.provider) if channel in option.channels]
            offered: Sequence[ProviderOption | None] = matching or (None,)
            yield from (_Offer(name=entry.provider, listed=entry, option=option) for option in offered)

    def _matching(self, name: str) -> list[ProviderOption]:
        key, _, alias = name.partition(":")
        return [o for o in self.options if o.provider == key and (not alias or o.alias == alias)]

    def _candidate(self, rules: ChannelLevels, channel: Channel, offer: _Offer) -> Candidate | Skipped:
        def skip(code: SkipCode, detail: str) -> Skipped:
            return Skipped(entry=offer.name, code=code, detail=detail)

        option = offer.option
        if option is None:
            return skip(SkipCode.MISSING_CONFIGURATION, f"not configured for channel {channel}")
        if (missing := option.missing.get(channel)) is not None:
            return skip(SkipCode.INCOMPLETE_PROFILE_DATA, missing)
        if not self.serves(channel, option.provider):
            return skip(SkipCode.NO_CONTENT, f"the content has nothing for channel {channel}")
        own = rules.provider(offer.listed, option.provider)
        if (why := self._unmet(own.conditions())) is not None:
            return skip(SkipCode.FILTERED, why)
        return Candidate(id=option.id, provider=option.provider, timeout_ms=own.timeout_ms())

    def _unmet(self, conditions: Iterable[str]) -> str | None:
        """Why one of the conditions does not hold; None when all do."""
        for condition in conditions:
            try:
                if not self.evaluate(condition):
                    return f"its condition is false: {condition[:200]}"
            except (ContentError, ValueError) as error:
                return f"its condition cannot be read: {error}"
        return None


def _shape(rules: ChannelLevels, channel: Channel, taken: list[_Taken], path: Path) -> Node | Leaf:
    """One leaf whose candidates take over from each other, or one leaf per provider side by side."""

    def leaf(candidates: Iterable[Candidate], at: Path) -> Leaf:
        key = ".".join(map(str, at))
        return Leaf(
            key=key,
            channel=channel,
            candidates=tuple(candidates),
            timeout_ms=rules.timeout_ms(),
            guarantee=rules.guarantee(),
        )

    if rules.method() is Method.SINGLE:
        return leaf((t.candidate for t in taken), path)
    sides = dict.fromkeys(t.name for t in taken)
    leaves = (
        leaf((t.candidate for t in taken if t.name == side), (*path, index))
        for index, side in enumerate(sides)
    )
    return Node(method=Method.ALL, entries=tuple(leaves))


def _obstacle(
    name: str, channel: Channel, listed: list[ProviderEntry] | None, skipped: list[Skipped]
) -> Skipped:
    """Why a channel has no candidate at all."""
    if not skipped:
        return Skipped(
            entry=name, code=SkipCode.NO_PROVIDERS, detail=f"No provider is configured for channel {channel}."
        )
    code = furthest(skipped).code
    if code is SkipCode.MISSING_CONFIGURATION:
        names = ",".join(provider.provider for provider in listed or ())
        detail = f"None of provider(s) {names} is configured for channel {channel}."
    else:
        detail = "; ".join(f"{skip.entry}: {skip.detail}" for skip in skipped)
    return Skipped(entry=name, code=code, detail=detail)


def _unknown(name: str) -> Skipped:
    detail = f"None of provider(s) {name} is configured."
    return Skipped(entry=name, code=SkipCode.MISSING_CONFIGURATION, detail=detail)
