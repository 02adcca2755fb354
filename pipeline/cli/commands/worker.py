"""`pipeline worker` runs steps of a cluster's builds on this machine."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict
from pathlib import Path

import click

from pipeline.cli.commands.common import STORE


@click.command("worker")
@click.argument("scheduler", metavar="SCHEDULER")
@STORE
@click.option("--name", help="What this worker is called in proofs and errors; its host's name.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for copies of the store's files; one below the user's cache if none is named.",
)
@click.option(
    "--cache-gigabytes",
    default=50.0,
    show_default=True,
    type=click.FloatRange(min=0.1),
    help="A larger cache gives up what was not used for the longest time, and for an hour.",
)
def command(
    scheduler: str, store_path: str, name: str | None, cache: Path | None, cache_gigabytes: float
) -> None:
    """Run steps on this machine for the builds of SCHEDULER, until it is ended.

    It says what the machine has (browsers, GPU), and steps go where they can run. All workers and
    builds name the same store: a shared folder, wherever it is mounted, or a URL.

    \b
    Examples:
      pipeline worker tcp://scheduler:8786 --store s3://bucket/store
      pipeline worker tcp://scheduler:8786 --store /mnt/store --name lab-3
    """
    from pipeline.backends import machine
    from pipeline.engine.lanes.cluster import members, worker
    from pipeline.engine.lanes.cluster.sameness import installed
    from pipeline.engine.lanes.local import LocalLanes
    from pipeline.engine.shared import SharedStore

    called = name or f"{platform.node()}-{os.getpid()}"
    os.environ[machine.NAME] = called
    store = SharedStore(store_path, cache)
    targets = machine.list_facts()
    versions, identity = installed(), store.identity()
    facts = {"versions": versions, "store": identity, "targets": list(map(asdict, targets))}
    resources = (
        members.same(versions, identity),
        *map(members.lane_resource, machine.list_lanes()),
        *(target.tag for target in targets if target.unavailable is None),
    )
    with store.in_use(), LocalLanes(store.root / "logs" / called) as lanes:
        here = worker.Machine(lanes, store, identity, int(cache_gigabytes * 2**30))
        worker.serve(scheduler, worker.Declared(called, resources, facts), here)
