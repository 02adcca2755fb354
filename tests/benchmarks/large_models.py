"""``python -m tests.benchmarks.large_models [MB …]``: memory and time of large models, by step.

Models of Dense layers, random weights, each built, proved and published as a Keras file; the
smallest also as a SavedModel. The bound: in no step more than three times the file and 1 GiB.

A step's peak is its process' largest resident memory, the kernel's (``VmHWM``), set back as the
step begins. Pages of weights that are mapped from files count there, though the kernel may drop
them. Of what the process started, its browser, it is the largest sum of what each has to itself and
its share of the rest (PSS), looked at twice a second. CPU seconds are of all of these.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from pipeline.build.judge import judge
from pipeline.build.make import make_build
from pipeline.build.publish import publish
from pipeline.config.file import load_config
from pipeline.engine.graph import Node
from pipeline.engine.lanes.local import LocalLanes
from pipeline.engine.store import Store
from pipeline.plan import make_plan

SIZES_MB = (64, 300, 1000)
FACTOR, REST_BYTES = 3, 2**30

#: Units of a layer: a kernel of 64 MiB. Of sixty narrower ones with random weights the outputs
#: hardly vary, so that int8 misses the bound (relative_error 1.26, and uint8 0.92).
WIDTH = 4096

CONFIG = """
name: large
task: tensors
license: Apache-2.0
source: {{{kind}: "{path}"}}
samples: {{random: 4}}
variants: {variants}
export: {formats}
validate: {{backends: [{backends}], gates: {{default: {{relative_error: 0.9}}}}}}
publish: {{to: {to}}}
"""
VARIANTS = "{fp32: {}, fp16: {quantize: float16}, uint8: {quantize: uint8}, int8: {quantize: int8}}"

#: Makes a model in a process of its own: argv is layers, width, the file, a folder or "".
MAKE = """
import sys, numpy, keras
layers, width, file, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
chance = numpy.random.default_rng(0)
dense = lambda units, **more: keras.layers.Dense(units, kernel_initializer="zeros", **more)
model = keras.Sequential([keras.Input([width]), *(dense(width, activation="relu")
                          for _ in range(layers)), dense(10)])
for layer in model.layers:
    kernel, bias = (variable.shape for variable in layer.weights)
    scale = numpy.float32((2 / kernel[0]) ** 0.5)
    layer.set_weights([chance.standard_normal(kernel, numpy.float32) * scale, numpy.zeros(bias)])
if file: model.save(file)
if folder: model.export(folder, verbose=False)
"""


@dataclass
class Step:
    """What one step took."""

    own_bytes: int
    browser_bytes: int
    cpu_s: float
    seconds: float

    @property
    def peak_bytes(self) -> int:
        return self.own_bytes + self.browser_bytes


class Watch(threading.Thread):
    """Looks twice a second at how much what a process started holds."""

    def __init__(self, pid: Callable[[], int | None]) -> None:
        super().__init__(daemon=True)
        self._pid, self._ended, self._most = pid, threading.Event(), 0
        self.start()

    def run(self) -> None:
        while not self._ended.wait(0.5):
            self._most = max(self._most, sum(map(_pss, _below(self._pid()))))

    def end(self) -> int:
        """Bytes."""
        self._ended.set()
        self.join()
        return self._most


@dataclass
class Meter:
    """Watches a build: what each step's process took at most."""

    lanes: LocalLanes
    steps: dict[str, Step] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    _began: dict[str, tuple[float, float]] = field(default_factory=dict)
    _watched: dict[str, Watch] = field(default_factory=dict)

    def on_event(self, state: str, node: Node, seconds: float) -> None:
        pid = self._pid(node)
        if state == "start" and pid:
            Path(f"/proc/{pid}/clear_refs").write_text("5")
        if state == "start":
            self._began[node.id] = (_cpu_s(pid), time.monotonic())
            self._watched[node.id] = Watch(lambda: self._pid(node))
        if state in ("done", "failed"):
            cpu_s, began = self._began[node.id]
            pid, browser = pid or self._pid(node), self._watched.pop(node.id).end()
            took = time.monotonic() - began
            self.steps[node.id] = Step(_peak(pid), browser, _cpu_s(pid) - cpu_s, took)
            click.echo(f"  {node.id}: {self.steps[node.id]}", err=True)
        if state == "failed":
            self.failed.append(node.id)

    def on_progress(self, fraction: float, note: str, lane: str) -> None:
        return

    def _pid(self, node: Node) -> int | None:
        processes = self.lanes._processes.get(node.lane or node.function.lane, [])
        return next((process.pid for process in processes), None)


def _peak(pid: int | None) -> int:
    """Bytes; 0 of a process that is gone."""
    try:
        status = Path(f"/proc/{pid or 'self'}/status").read_text()
    except OSError:
        return 0
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def _pss(pid: int) -> int:
    """Bytes; 0 of a process that is gone."""
    try:
        return (
            int(Path(f"/proc/{pid}/smaps_rollup").read_text().split("\nPss:")[1].split()[0]) * 1024
        )
    except (OSError, IndexError):
        return 0


def _below(pid: int | None) -> list[int]:
    """The processes that one has started, and that these have."""
    try:
        threads = [*Path(f"/proc/{pid}/task").iterdir()]
        started = [int(c) for t in threads for c in (t / "children").read_text().split()]
    except OSError:
        return []
    return started + [deeper for child in started for deeper in _below(child)]


def _cpu_s(pid: int | None) -> float:
    """Of a process and of all below it."""
    return sum(map(_own_cpu_s, [pid, *_below(pid)]))


def _own_cpu_s(pid: int | None) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / 100


def make_model(megabytes: int, to: Path, *, saved_model: bool) -> Path:
    """A .keras file, or a SavedModel, of about so many bytes."""
    layers = max(1, round(megabytes * 1e6 / (4 * WIDTH**2)))
    path = to / (f"saved-{megabytes}" if saved_model else f"{megabytes}.keras")
    named = ["", str(path)] if saved_model else [str(path), ""]
    subprocess.run([sys.executable, "-c", MAKE, str(layers), str(WIDTH), *named], check=True)
    return path


def build(model: Path, folder: Path, **chosen: str) -> Meter:
    """Build, prove and publish it from nothing."""
    config = folder / "large.yaml"
    kind = "saved_model" if model.is_dir() else "keras_file"
    config.write_text(CONFIG.format(kind=kind, path=model, to=folder / "cdn", **chosen))
    store = Store(folder / "store")
    with store.in_use(), LocalLanes(folder / "logs") as lanes:
        meter = Meter(lanes)
        plan = make_plan(load_config(config))
        try:
            made = make_build(plan, store, lanes, meter)
            judge(made, whole=True)
            began, cpu_s = time.monotonic(), _own_cpu_s(os.getpid())
            release = publish(made)
            took = time.monotonic() - began
            # The peak is of all that this process, which starts the others, has done.
            here = Step(_peak(None), 0, _own_cpu_s(os.getpid()) - cpu_s, took)
            meter.steps["publishing"] = here
            click.echo(f"  published: {release.id}", err=True)
        except Exception as error:
            meter.failed.append(str(error))
            click.echo(str(error), err=True)
    return meter


def rows(bytes_: int, meter: Meter) -> Iterator[str]:
    for name, step in sorted(meter.steps.items(), key=lambda item: -item[1].peak_bytes):
        bound = FACTOR * bytes_ + REST_BYTES
        times, over = step.peak_bytes / bytes_, "OVER" if step.peak_bytes > bound else ""
        took = f"{step.seconds:7.1f} s {step.cpu_s:7.1f} s"
        browser = f"browser {step.browser_bytes / 1e6:.0f} MB" if step.browser_bytes else ""
        yield f"{name:40}{step.peak_bytes / 1e6:8.0f} MB {times:6.2f} x {took} {browser} {over}"


def size_of(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


@click.command()
@click.argument("sizes", nargs=-1, type=int)
@click.option("--variants", default=VARIANTS)
@click.option("--formats", default="{tfjs-graph: {}, onnx: {}}")
@click.option("--backends", default="onnxruntime-cpu, tfjs-wasm@chromium")
@click.option("--saved-model", is_flag=True)
def main(sizes: tuple[int, ...], saved_model: bool, **chosen: Any) -> None:
    over = []
    for megabytes in sizes or SIZES_MB:
        with tempfile.TemporaryDirectory(prefix="bench-") as name:
            model = make_model(megabytes, Path(name), saved_model=saved_model)
            began = time.monotonic()
            meter = build(model, Path(name), **chosen)
            took = time.monotonic() - began
            click.echo(f"\n{model.name}: {size_of(model) / 1e6:.0f} MB, {took:.0f} s")
            lines = list(rows(size_of(model), meter))
            click.echo("\n".join(lines))
            over += [line for line in lines if line.endswith("OVER")] + meter.failed
    sys.exit(1 if over else 0)


if __name__ == "__main__":
    main()
