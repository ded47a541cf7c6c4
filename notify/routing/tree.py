"""The pruned tree of a plan: a routing in, what can succeed out, the rest noted with its reason.

Checks go from what an operator mends (configuration) to what the sender meant (conditions), so that the
reason noted for an entry is its last obstacle.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from notify.errors import ContentError
from notify.model.names import Channel
from notify.model.plan import Candidate, Leaf, Method, Node, ProviderOption, SkipCode, Skipped
from notify.model.wire import ChannelEntry, ProviderEntry, Routing
from notify.routing.effective import ChannelLevels, Levels
from notify.routing.verdict import furthest

_CHANNELS = frozenset(Channel)

Path = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Taken:
    """A candidate and the provider entry it came from."""

    listed: str
    candidate: Candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Builds one message's tree; ``skipped`` fills up on the way."""

    options: Sequence[ProviderOption]
    serves: Callable[[Channel, str], bool]
    evaluate: Callable[[str], bool]
    levels: Levels
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
        channels = (channel for option in self._matching(named) for channel in option.channels)
        yield from ((channel, [named]) for channel in dict.fromkeys(channels))

    def _channel(
        self, entry: ChannelEntry, channel: Channel, named: list[ProviderEntry] | None, path: Path
    ) -> Node | Leaf | Skipped:
        rules = self.levels.channel(entry, channel)
        listed = named or rules.providers()
        taken, skipped = self._candidates(rules, channel, listed)
        if not taken:
            return _obstacle(entry.channel, channel, listed, skipped)
        if (why := self._unmet(rules.conditions())) is not None:
            return Skipped(entry=entry.channel, code=SkipCode.FILTERED, detail=why)
        self.skipped.extend(skipped)
        return _shape(rules, channel, taken, path)

    def _candidates(
        self, rules: ChannelLevels, channel: Channel, listed: list[ProviderEntry] | None
    ) -> tuple[list[_Taken], list[Skipped]]:
        """Each configuration once, in the order of the list."""
        taken: dict[str, _Taken] = {}
        skipped = []
        for provider, option in self._listed(channel, listed):
            found = self._candidate(rules, channel, provider, option)
            if isinstance(found, Skipped):
                skipped.append(found)
            else:
                taken.setdefault(found.id, _Taken(provider.provider, found))
        return list(taken.values()), skipped

    def _listed(
        self, channel: Channel, listed: list[ProviderEntry] | None
    ) -> Iterator[tuple[ProviderEntry, ProviderOption | None]]:
        """Provider entries with a configuration each; None for what is listed and not configured."""
        if listed is None:
            serving = (option for option in self.options if channel in option.channels)
            yield from ((ProviderEntry(provider=option.provider), option) for option in serving)
            return
        for provider in listed:
            matching = [o for o in self._matching(provider) if channel in o.channels]
            if not matching:
                yield provider, None
            yield from ((provider, option) for option in matching)

    def _matching(self, provider: ProviderEntry) -> list[ProviderOption]:
        key, _, alias = provider.provider.partition(":")
        return [o for o in self.options if o.provider == key and (not alias or o.alias == alias)]

    def _candidate(
        self, rules: ChannelLevels, channel: Channel, provider: ProviderEntry, option: ProviderOption | None
    ) -> Candidate | Skipped:
        if option is None:
            return _skip(provider, SkipCode.MISSING_CONFIGURATION, f"not configured for channel {channel}")
        if (missing := option.missing.get(channel)) is not None:
            return _skip(provider, SkipCode.INCOMPLETE_PROFILE_DATA, missing)
        if not self.serves(channel, option.provider):
            return _skip(provider, SkipCode.NO_CONTENT, f"the content has nothing for channel {channel}")
        if (why := self._unmet(rules.provider_conditions(provider))) is not None:
            return _skip(provider, SkipCode.FILTERED, why)
        return Candidate(
            id=option.id, provider=option.provider, timeout_ms=rules.provider_timeout_ms(provider)
        )

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
        return Leaf(key=key, channel=channel, candidates=tuple(candidates), timeout_ms=rules.timeout_ms())

    if rules.method() is Method.SINGLE:
        return leaf((t.candidate for t in taken), path)
    sides = dict.fromkeys(t.listed for t in taken)
    leaves = (
        leaf((t.candidate for t in taken if t.listed == side), (*path, index))
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


def _skip(provider: ProviderEntry, code: SkipCode, detail: str) -> Skipped:
    return Skipped(entry=provider.provider, code=code, detail=detail)
