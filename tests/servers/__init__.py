"""Servers that behave as the providers do, built on ``notify.local.lab``: real sockets of 127.0.0.1.

In a test: ``with ProviderLab() as lab: ...``. By themselves, for the benchmark: ``python -m tests.servers``.
"""

from notify.local.lab import Mail, MailLab, Reply, Request
from tests.servers.vendors import ProviderLab

__all__ = ["Mail", "MailLab", "ProviderLab", "Reply", "Request"]
