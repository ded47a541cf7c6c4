"""Who manages API keys through the API: a key, in; what it may not hand on, out."""

from collections.abc import Collection
from dataclasses import dataclass

from notify.errors import Forbidden
from notify.model.names import Mode, World
from notify.model.scopes import KeyScope


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The key that manages others: those of its world that may no more than itself.

    ``kind`` counts, too: what a mock key makes must not reach a provider.
    """

    world: World
    kind: Mode
    scopes: frozenset[KeyScope]

    def check_may(self, kind: Mode, scopes: Collection[KeyScope]) -> None:
        """Let it hand this on, or change who has it.

        Raises:
            Forbidden: it is more than the holder has.
        """
        # Whoever sends may report events, too.
        implied = {KeyScope.INBOUND} if KeyScope.SEND in self.scopes else set()
        if more := sorted(set(scopes) - self.scopes - implied):
            raise Forbidden(f"scopes: this API key lacks {', '.join(more)}, and manages no key that has it.")
        if self.kind is Mode.MOCK and kind is not Mode.MOCK:
            raise Forbidden("kind: a mock key manages mock keys only.")
