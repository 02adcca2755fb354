"""``python -m tests.benchmarks.cluster``: what a cluster gives, and what it costs.

Steps wait for the typical seconds of the bundled model's build, times a scale, since cores are
lacking here. Printed are:

- builds of 100 configs on 1, 2 and 4 workers, each a process with its lanes and a shared store;
- four configs for each of some workers that are simulated in one process: the scheduler, and
  all that our side does for a step, are real. Efficiency is the time of one worker over theirs;
- what a step adds to its own time, side by side and one after another;
- planning of many configs.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click

from pipeline.backends.elsewhere import planned_for
from pipeline.backends.machine import list_facts
from pipeline.build.batch import load_all
from pipeline.build.cluster import BUILDS_PER_WORKER, FEWEST_BUILDS
from pipeline.engine.graph import Graph, Node
from pipeline.engine.lanes.cluster.connect import connect
from pipeline.engine.schedule import Run
from pipeline.engine.store import Store
from pipeline.engine.watch import Silent
from tests.benchmarks.sleeping import ROOT, Sleep, graph_of, real_plan, sleep
from tests.cluster import running

CONFIGS = 100
SCALE = 1 / 40
SIMULATED_SCALE = 1 / 2
SIMULATED_EACH = 4


def build_all(address: str, store: Store, graphs: Sequence[Graph]) -> float:
    """The seconds of builds as the command makes them: several at once."""
    with connect(address, store) as (lanes, members):
        at_once = max(FEWEST_BUILDS, BUILDS_PER_WORKER * len(members.accepted))

        def build(graph: Graph) -> None:
            Run(graph, store, lanes, {}, Silent()).all()

        began = time.monotonic()
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(build, graphs))
        return time.monotonic() - began


def graphs(count: int, scale: float) -> list[Graph]:
    plan = real_plan()
    return [graph_of(plan, f"model {number}", scale) for number in range(count)]


def real_workers(counts: Sequence[int], configs: int) -> None:
    first = 0.0
    for count in counts:
        names = [f"w{number}" for number in range(count)]
        with tempfile.TemporaryDirectory() as folder, running(Path(folder), *names) as cluster:
            store = Store(Path(folder) / "store")
            build_all(cluster.address, store, graphs(1, 0.0))  # lanes start
            seconds = build_all(cluster.address, store, graphs(configs, SCALE))
            first = first or seconds * count
            click.echo(
                f"{configs} configs on {count} workers  {seconds:7.1f} s   "
                f"efficiency {first / (seconds * count):.2f}"
            )


def simulated_workers(counts: Sequence[int]) -> None:
    first = 0.0
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            store = Store(Path(folder))
            module = "tests.benchmarks.simulated_workers"
            command = [sys.executable, "-m", module, str(count), store.identity()]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
                try:
                    assert process.stdout is not None
                    address = process.stdout.readline().strip()
                    work = graphs(SIMULATED_EACH * count, SIMULATED_SCALE)
                    seconds = build_all(address, store, work)
                finally:
                    process.kill()
        first = first or seconds
        click.echo(
            f"{SIMULATED_EACH * count} configs on {count} simulated workers  {seconds:7.1f} s   "
            f"efficiency {first / seconds:.2f}   "
            f"{len(work) * len(work[0].nodes) / seconds:.0f} steps a second"
        )


def overhead(steps: int) -> None:
    """Of steps that take no time: a shared folder, one worker."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), "w") as cluster:
        store = Store(Path(folder) / "store")
        wide, chain = Graph(), Graph()
        for number in range(steps):
            wide.add(Node(f"wide {number}", sleep, Sleep(seconds=0, of=f"wide {number}")))
            before = {"before": f"chain {number - 1}"} if number else {}
            chain.add(Node(f"chain {number}", sleep, Sleep(seconds=0, of=f"{number}"), before))
        build_all(cluster.address, store, graphs(1, 0.0))
        for name, graph in (("side by side", wide), ("one after another", chain)):
            seconds = build_all(cluster.address, store, [graph])
            click.echo(f"{steps} empty steps {name}  {1000 * seconds / steps:5.1f} ms each")


def planning(count: int) -> None:
    text = (ROOT / "configs" / "mobilenet.yaml").read_text()
    with tempfile.TemporaryDirectory() as folder, planned_for([list_facts()]):
        paths = [Path(folder, f"m{number}.yaml") for number in range(count)]
        for number, path in enumerate(paths):
            path.write_text(text.replace("name: mobilenet", f"name: m{number}"))
        began = time.monotonic()
        plans = load_all(paths, [], True)
        seconds = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    click.echo(f"planning {len(plans)} configs  {seconds:7.1f} s  peak {peak:.2f} GiB")


@click.command()
@click.option("--configs", default=CONFIGS, show_default=True)
@click.option("--workers", default="1,2,4", show_default=True)
@click.option("--simulated", default="1,8", show_default=True)
@click.option("--steps", default=300, show_default=True)
@click.option("--plans", default=10_000, show_default=True)
def main(configs: int, workers: str, simulated: str, steps: int, plans: int) -> None:
    """Measure; an empty list or 0 leaves a part out."""
    real_workers([int(count) for count in workers.split(",") if count], configs)
    simulated_workers([int(count) for count in simulated.split(",") if count])
    if steps:
        overhead(steps)
    if plans:
        planning(plans)


if __name__ == "__main__":
    main()
