"""Workers of Dask in one process, whose machines only wait: what the scheduler and we add is real.

``python -m tests.benchmarks.simulated_workers WORKERS STORE`` prints the scheduler's address.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections import defaultdict
from typing import Any

import distributed

from pipeline.base.digest import digest
from pipeline.engine.call import StepCall
from pipeline.engine.lanes.cluster import members, worker
from pipeline.engine.lanes.cluster.sameness import installed
from pipeline.engine.lanes.cluster.turns import Turns
from pipeline.engine.step import BACKGROUND
from pipeline.engine.store import Result
from tests.benchmarks.sleeping import Sleep


class Machines:
    """In the place of each worker's machine: the same turns and lanes, and no processes."""

    def __init__(self) -> None:
        self._turns: dict[str, Turns] = defaultdict(Turns)
        self._lanes: dict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)

    def run(self, call: StepCall, lane: str, *, alone: bool) -> Result:
        here = distributed.get_worker().address
        seconds = Sleep.model_validate_json(call.options).seconds
        if lane in BACKGROUND:
            with self._lanes[here, lane]:
                time.sleep(seconds)
        else:
            with self._turns[here].turn(alone=alone), self._lanes[here, lane]:
                time.sleep(seconds)
        return Result({"of": (digest("simulated", call.key), 1)}, seconds)


async def main(count: int, store: str) -> None:
    versions = installed()
    worker._machine = Machines()  # type: ignore[assignment]
    facts: dict[str, Any] = {"versions": versions, "store": store, "targets": []}
    scheduler = await distributed.Scheduler(host="tcp://127.0.0.1:0", dashboard=False)
    workers = [
        distributed.Worker(
            scheduler.address,
            name=f"simulated-{number}",
            nthreads=worker.ACCEPTED,
            resources={members.same(versions, store): worker.PLENTY},
            startup_information={worker.FACTS: lambda _: facts},
            memory_limit=0,
            dashboard=False,
        )
        for number in range(count)
    ]
    await asyncio.gather(*workers)
    print(scheduler.address, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
