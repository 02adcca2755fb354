"""A slow link before a local server: a TCP proxy that shares a bandwidth and adds a delay.

Not modelled: slow start and loss, which cost every page of many bytes more.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

#: Small enough for connections to share the link, as packets do.
CHUNK_BYTES = 4096
#: Time that was lost by waking up late is made up for.
LATE_S = 0.02


@dataclass
class Direction:
    """One way of a link: what is sent waits for all that was sent before, on any connection."""

    bytes_per_s: float
    delay_s: float
    _free_at: float = field(default=0.0)

    async def passes(self, count: int) -> float:
        """Wait until ``count`` bytes are on their way; when they arrive."""
        self._free_at = max(time.monotonic() - LATE_S, self._free_at) + count / self.bytes_per_s
        await asyncio.sleep(self._free_at - time.monotonic())
        return max(self._free_at, time.monotonic()) + self.delay_s


@dataclass
class Link:
    """A link that all of its proxies share."""

    megabits: float
    round_trip_ms: float

    def __post_init__(self) -> None:
        delay_s = self.round_trip_ms / 2000
        self.up = Direction(self.megabits * 125_000, delay_s)
        self.down = Direction(self.megabits * 125_000, delay_s)
        self._loop = asyncio.new_event_loop()

    @contextmanager
    def running(self) -> Iterator[Link]:
        """Carry what its proxies are given, until the end of the ``with``."""
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()

    def proxy(self, address: str) -> str:
        """The address at which a local server is found behind the link."""
        port = int(address.rsplit(":", 1)[1])
        serving = asyncio.start_server(
            lambda reader, writer: self._carry(port, reader, writer), "127.0.0.1", 0
        )
        server = asyncio.run_coroutine_threadsafe(serving, self._loop).result()
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _carry(
        self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        # The handshake, which the browser had with the proxy at once.
        await asyncio.sleep(self.round_trip_ms / 1000)
        with suppress(OSError, asyncio.CancelledError):
            there, back = await asyncio.open_connection("127.0.0.1", port)
            ways = _way(reader, back, self.up), _way(there, writer, self.down)
            await asyncio.gather(*ways, return_exceptions=True)

    async def _end(self) -> None:
        others = [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


async def _way(
    source: asyncio.StreamReader, target: asyncio.StreamWriter, direction: Direction
) -> None:
    """Carry one connection's bytes in one direction until it ends."""
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    arriving = asyncio.create_task(_arrive(under_way, target))
    with suppress(OSError):
        while content := await source.read(CHUNK_BYTES):
            under_way.put_nowait((await direction.passes(len(content)), content))
    under_way.put_nowait((0.0, b""))
    await arriving


async def _arrive(
    under_way: asyncio.Queue[tuple[float, bytes]], target: asyncio.StreamWriter
) -> None:
    with suppress(OSError):
        while True:
            arrives_at, content = await under_way.get()
            await asyncio.sleep(arrives_at - time.monotonic())
            if not content:
                break
            target.write(content)
            await target.drain()
    target.close()
