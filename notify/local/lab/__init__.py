"""Real local servers that stand in for providers, for the demo, the tests and the benchmark.

``with HttpLab() as http, MailLab() as mail: ...``; they listen on 127.0.0.1 only.
"""

from notify.local.lab.http import Handler, HttpLab, Reply, Request
from notify.local.lab.mail import Mail, MailLab

__all__ = ["Handler", "HttpLab", "Mail", "MailLab", "Reply", "Request"]
