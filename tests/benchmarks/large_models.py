"""``python -m tests.benchmarks.large_models [MB …]``: memory and time of large models, by step.

Models of Dense layers, random weights, each built, proved and published as a Keras file; the
smallest also as a SavedModel. The bound: in no step's process more than three times the file and
1 GiB. Peaks are the kernel's (``VmHWM``), set back as a step begins; a page's are of its browser.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from pipeline.build.make import make_build
from pipeline.config.file import load_config
from pipeline.engine.graph import Node
from pipeline.engine.lanes.local import LocalLanes
from pipeline.engine.store import Store
from pipeline.plan import make_plan

SIZES_MB = (64, 300, 1000)
FACTOR, REST_BYTES = 3, 2**30

#: Units of a layer: a kernel of 16 MiB.
WIDTH = 2048

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

    peak_bytes: int
    cpu_s: float
    seconds: float


@dataclass
class Meter:
    """Watches a build: what each step's process took at most."""

    lanes: LocalLanes
    steps: dict[str, Step] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    _began: dict[str, tuple[float, float]] = field(default_factory=dict)

    def on_event(self, state: str, node: Node, seconds: float) -> None:
        pid = self._pid(node)
        if state == "start" and pid:
            Path(f"/proc/{pid}/clear_refs").write_text("5")
        if state == "start":
            self._began[node.id] = (_cpu_s(pid), time.monotonic())
        if state in ("done", "failed"):
            cpu_s, began = self._began[node.id]
            pid = pid or self._pid(node)
            self.steps[node.id] = Step(_peak(pid), _cpu_s(pid) - cpu_s, time.monotonic() - began)
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


def _cpu_s(pid: int | None) -> float:
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
            make_build(plan, store, lanes, meter)
        except Exception as error:
            click.echo(str(error), err=True)
    return meter


def rows(bytes_: int, meter: Meter) -> Iterator[str]:
    bound = FACTOR * bytes_ + REST_BYTES
    for name, step in sorted(meter.steps.items(), key=lambda item: -item[1].peak_bytes):
        times, over = step.peak_bytes / bytes_, "OVER" if step.peak_bytes > bound else ""
        took = f"{step.seconds:7.1f} s {step.cpu_s:7.1f} s"
        yield f"{name:40}{step.peak_bytes / 1e6:8.0f} MB {times:6.2f} x {took} {over}"


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
