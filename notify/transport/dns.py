"""DNS look-ups: the records of a name, or none."""

from collections.abc import Sequence

import dns.exception
import dns.nameserver
import dns.resolver
from dns.rdata import Rdata
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TXT import TXT

from notify.errors import Unavailable

_TIMEOUT_S = 5.0
_PORT = 53


class Dns:
    """Asks the given servers (``host`` or ``host:port``), or those of the system."""

    def __init__(self, servers: Sequence[str] = ()) -> None:
        self._resolver = dns.resolver.Resolver(configure=not servers)
        self._resolver.lifetime = _TIMEOUT_S
        if servers:
            parts = [server.rpartition(":") if ":" in server else (server, "", _PORT) for server in servers]
            self._resolver.nameservers = [
                dns.nameserver.Do53Nameserver(str(host), int(port)) for host, _, port in parts
            ]

    def texts(self, name: str) -> list[str]:
        """The TXT records of a name, their parts joined.

        Raises:
            Unavailable: nobody answers.
        """
        found = [record for record in self._ask(name, "TXT") if isinstance(record, TXT)]
        return [b"".join(record.strings).decode(errors="replace") for record in found]

    def mail_servers(self, name: str) -> list[str]:
        """The MX records of a name.

        Raises:
            Unavailable: nobody answers.
        """
        return [str(record.exchange) for record in self._ask(name, "MX") if isinstance(record, MX)]

    def _ask(self, name: str, kind: str) -> list[Rdata]:
        try:
            return list(self._resolver.resolve(name, kind, search=False))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.DNSException as error:
            raise Unavailable(f"DNS does not answer for {name}: {type(error).__name__}.") from None
