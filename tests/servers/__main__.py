"""The provider servers in a process of their own: ``python -m tests.servers [HTTP port] [SMTP port]``.

Prints one JSON line with both addresses when they listen, and stops when its input closes or on Ctrl-C.
"""

import json
import sys
from contextlib import suppress

from notify.local.lab import MailLab
from tests.servers.vendors import ProviderLab


def main(http_port: str = "0", smtp_port: str = "0") -> None:
    with ProviderLab(int(http_port), kept=100) as http, MailLab(int(smtp_port), kept=100) as mail:
        print(json.dumps({"http": http.url, "smtp_host": mail.host, "smtp_port": mail.port}), flush=True)
        with suppress(KeyboardInterrupt):
            sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
