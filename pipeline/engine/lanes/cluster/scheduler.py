"""The Dask scheduler, set up as builds want it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from pipeline.base.errors import PipelineError


def serve(address: str, silent_s: float, tell: Callable[[str], None], *, dashboard: bool) -> None:
    """Run until SIGINT or SIGTERM.

    Args:
        silent_s: seconds after which a worker that says nothing is taken for dead.
        tell: is told the address, once workers can come.

    Raises:
        PipelineError: the address cannot be had.
    """
    import dask

    settings = {
        # What a worker's end takes along is tried again by the build, which finds the culprit.
        "distributed.scheduler.allowed-failures": 0,
        "distributed.scheduler.worker-ttl": f"{silent_s}s",
    }
    with dask.config.set(settings):
        asyncio.run(_serve(address, tell, dashboard=dashboard))


async def _serve(address: str, tell: Callable[[str], None], *, dashboard: bool) -> None:
    from distributed import Scheduler

    try:
        scheduler = await Scheduler(host=address, dashboard=dashboard, dashboard_address=":8787")
    except (OSError, ValueError) as error:
        raise PipelineError(
            f"the address cannot be had: {error}",
            where=address,
            todo="name another --host or --port",
        ) from error
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    tell(f"the scheduler is {scheduler.address}")
    await stopped.wait()
    await scheduler.close()
