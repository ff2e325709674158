"""A TLS 1.3 listener on loopback that hands every connection to a Unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from pathlib import Path

__all__ = ["TlsDoor"]

_BLOCK = 1 << 16


class TlsDoor:
    """Listens on 127.0.0.1 at a free port, in a thread of this process; ends with it.

    Args:
        certificate: PEM file, of the server.
        key: PEM file of its private key.
        behind: Unix socket that speaks the protocol in the clear.

    Attributes:
        port: at which it listens.
    """

    def __init__(self, *, certificate: Path, key: Path, behind: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_3
        self._context.load_cert_chain(certificate, key)
        self._behind = str(behind)
        self._open = threading.Event()
        self.port = 0
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        self._open.wait()

    def close(self) -> None:
        """Listen no more, and drop what is open."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._enough.set)
            self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._enough = asyncio.get_running_loop(), asyncio.Event()
        self._guests: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0, ssl=self._context)
        self.port = server.sockets[0].getsockname()[1]
        self._open.set()
        await self._enough.wait()
        server.close()
        for guest in list(self._guests):
            guest.cancel()
        await asyncio.gather(*self._guests, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._guests.add(task)
        inner = None
        try:
            back, inner = await asyncio.open_unix_connection(self._behind)
            await asyncio.gather(_carry(reader, inner), _carry(back, writer))
        except (OSError, asyncio.CancelledError):
            pass  # one side is gone, or the door is being closed
        finally:
            self._guests.discard(task)
            for end in filter(None, (writer, inner)):
                if self._enough.is_set():  # nobody waits for a polite end
                    end.transport.abort()
                else:
                    end.close()


async def _carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while block := await source.read(_BLOCK):
        sink.write(block)
        await sink.drain()
    with contextlib.suppress(OSError, RuntimeError):
        if sink.can_write_eof():
            sink.write_eof()
        else:  # TLS cannot be half closed: the other side has said its last, so all is said
            sink.close()
