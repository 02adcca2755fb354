"""Steps that take the time of real ones and nothing else, in the shape of a real plan."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from pipeline.base.options import StrictOptions
from pipeline.build.remaining import typical
from pipeline.config.file import load_config
from pipeline.engine.graph import Graph, Node
from pipeline.engine.step import BACKGROUND, Files, step
from pipeline.plan import Plan, make_plan

ROOT = Path(__file__).parents[2]
#: A small build: ONNX in four variants, proved on a native runtime and in one browser.
OVERRIDES = ("export={onnx: {}}", "validate.backends=[onnxruntime-cpu, ort-wasm]")


class Sleep(StrictOptions):
    seconds: float
    of: str = ""


@step()
def sleep(files: Files, options: Sleep, work: Path) -> None:
    time.sleep(options.seconds)
    (work / "of").write_text(options.of)


@step(alone=True)
def sleep_alone(files: Files, options: Sleep, work: Path) -> None:
    time.sleep(options.seconds)
    (work / "of").write_text(options.of)


def real_plan() -> Plan:
    """What is planned of the bundled model."""
    return make_plan(load_config(ROOT / "configs" / "mobilenet.yaml", OVERRIDES), browsers=True)


def graph_of(plan: Plan, name: str, scale: float) -> Graph:
    """A plan's graph for another model: the typical seconds of each step, times ``scale``."""
    graph = Graph()
    for node in plan.nodes.values():
        shared = not node.inputs and not node.files
        options = Sleep(seconds=typical(node.id) * scale, of="" if shared else f"{name} {node.id}")
        function = sleep_alone if node.function.alone else sleep
        lane = node.lane or node.function.lane
        # Its lane imports and opens nothing; what only publishing waits for has lanes of that name.
        lane = lane if lane in BACKGROUND else f"{lane}-asleep"
        inputs = {need: need for need in dict.fromkeys(node.needs())}
        graph.add(Node(node.id, function, options, inputs, lane=lane))
    return graph


def alone_seconds(graph: Graph) -> float:
    """What no worker can do beside anything else."""
    return sum(_seconds(graph, alone=True))


def _seconds(graph: Graph, *, alone: bool) -> Iterator[float]:
    for node in graph.nodes.values():
        if node.function.alone is alone and isinstance(node.options, Sleep):
            yield node.options.seconds
