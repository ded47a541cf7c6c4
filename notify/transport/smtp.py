"""SMTP calls over aiosmtplib: pooled connections per server, one dialogue each, an answer per stage.

In: an ``SmtpCall``. Out: an ``SmtpAnswer`` with the reply that ended the dialogue, or a ``NoAnswer``.
A pooled connection may have gone stale; that shows at MAIL, and the call starts again on a new one.
Once DATA was sent nothing is ever repeated: the server may have the message.
"""

import asyncio
import ssl
from contextlib import suppress

import aiosmtplib
from aiosmtplib.errors import (
    SMTPAuthenticationError,
    SMTPException,
    SMTPNotSupported,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from notify.model.call import Answer, NoAnswer, SmtpAnswer, SmtpCall, SmtpSecurity, SmtpServer
from notify.transport.pool import Pool
from notify.transport.settings import TransportSettings

_CLOSING = 421


class _Stale(Exception):
    """A reused connection turned out dead before the message was handed over."""


class SmtpClient:
    """Lives on one event loop."""

    def __init__(self, settings: TransportSettings) -> None:
        self._settings = settings
        self._tls = ssl.create_default_context()
        self._pools: dict[SmtpServer, Pool] = {}

    async def execute(self, call: SmtpCall) -> Answer:
        pool = self._pools.get(call.server) or self._new_pool(call.server)
        async with pool:
            reused = pool.take()
            if reused is not None:
                with suppress(_Stale):
                    return await _dialogue(reused, pool, call, fresh=False)
            return await self._afresh(pool, call)

    def _new_pool(self, server: SmtpServer) -> Pool:
        # A message may bring credentials of its own: pools nobody uses any more must not pile up.
        for known in [known for known, pool in self._pools.items() if pool.is_abandoned()]:
            self._pools.pop(known).drop()
        return self._pools.setdefault(server, Pool(self._settings.smtp_connections))

    async def _afresh(self, pool: Pool, call: SmtpCall) -> Answer:
        connection = self._connection(call.server)
        try:
            await connection.connect()
        except (SMTPException, OSError, TimeoutError, ValueError) as error:
            connection.close()
            return _not_connected(error)
        except asyncio.CancelledError:
            connection.close()
            raise
        return await _dialogue(connection, pool, call, fresh=True)

    def _connection(self, server: SmtpServer) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            timeout=self._settings.smtp_timeout_s,
            use_tls=server.security is SmtpSecurity.TLS,
            start_tls=server.security is SmtpSecurity.STARTTLS,
            tls_context=None if server.security is SmtpSecurity.NONE else self._tls,
        )

    async def close(self) -> None:
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))
        self._pools.clear()


async def _dialogue(connection: aiosmtplib.SMTP, pool: Pool, call: SmtpCall, *, fresh: bool) -> Answer:
    """MAIL, RCPT for each recipient, DATA. One refused recipient ends it: a message goes out whole or not.

    Without recipients it only greets: whoever asks wants to know whether the server lets us in.
    """
    stage = "mail"
    try:
        if not call.recipients:
            return await _greet(connection, pool)
        options, encoding = await _extensions(connection, call)
        await connection.mail(call.sender, options=options, encoding=encoding)
        stage = "rcpt"
        for recipient in call.recipients:
            await connection.rcpt(recipient, encoding=encoding)
        stage = "data"
        reply = await connection.data(call.data)
        answer: Answer = SmtpAnswer(code=reply.code, text=reply.message, stage=stage)
    except SMTPResponseException as error:
        if error.code == _CLOSING and stage == "mail" and not fresh:
            connection.close()
            raise _Stale from None
        answer = SmtpAnswer(code=error.code, text=error.message, stage=stage)
        await _reset(connection, error.code)
    except (SMTPException, OSError, TimeoutError, ValueError) as error:
        connection.close()
        if isinstance(error, SMTPServerDisconnected) and stage == "mail" and not fresh:
            raise _Stale from None
        return _broken(error, stage)
    except asyncio.CancelledError:
        connection.close()
        raise
    pool.give(connection)
    return answer


async def _greet(connection: aiosmtplib.SMTP, pool: Pool) -> Answer:
    reply = await connection.noop()
    pool.give(connection)
    return SmtpAnswer(code=reply.code, text=reply.message, stage="noop")


async def _extensions(connection: aiosmtplib.SMTP, call: SmtpCall) -> tuple[list[str], str]:
    if all(address.isascii() for address in (call.sender, *call.recipients)):
        return [], "ascii"
    if connection.is_ehlo_or_helo_needed:
        await connection.ehlo()
    if not connection.supports_extension("smtputf8"):
        # RFC 6531 3.7.1: the reply a server gives for an address it cannot pass on.
        raise SMTPResponseException(553, "5.6.7 the server does not take non-ASCII addresses")
    return ["SMTPUTF8"], "utf-8"


async def _reset(connection: aiosmtplib.SMTP, code: int) -> None:
    """Makes a connection ready for the next message after a refusal, or closes it."""
    if not 400 <= code < 600:
        # Not a reply of the protocol: what follows on this connection cannot be told apart any more.
        connection.close()
    try:
        if connection.is_connected:
            await connection.rset()
    except (SMTPException, OSError, TimeoutError):
        connection.close()


def _not_connected(error: Exception) -> Answer:
    match error:
        case SMTPAuthenticationError():
            return SmtpAnswer(code=error.code, text=error.message, stage="auth")
        case SMTPResponseException():
            return SmtpAnswer(code=error.code, text=error.message, stage="connect")
        case SMTPTimeoutError() | TimeoutError():
            return NoAnswer(error="connecting timed out")
        case _ if isinstance(error.__cause__ or error, ssl.SSLError):
            return NoAnswer(error="no secure connection: the certificate or TLS handshake failed")
        case SMTPServerDisconnected() | ConnectionError() | OSError():
            return NoAnswer(error="cannot connect")
        case SMTPNotSupported() | SMTPException():
            # What is configured and not offered never gets better: said as a server says it.
            return SmtpAnswer(code=502, text=error.message, stage="auth")
    return NoAnswer(error=f"cannot connect: {type(error).__name__}")


def _broken(error: Exception, stage: str) -> NoAnswer:
    maybe_sent = stage == "data"
    if isinstance(error, TimeoutError):
        return NoAnswer(error=f"no answer in time at {stage}", maybe_sent=maybe_sent)
    if isinstance(error, SMTPException | OSError):
        return NoAnswer(error=f"the connection broke at {stage}", maybe_sent=maybe_sent)
    return NoAnswer(
        error=f"the call could not be made: {type(error).__name__} at {stage}", maybe_sent=maybe_sent
    )
