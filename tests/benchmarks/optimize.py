"""Bytes, accuracy and speed of what we make, beside what the peers' tools make of the same models.

``python -m tests.benchmarks.optimize``. Everything is measured in one run, on samples that no
technique has seen: bytes are those of all files of an artifact after brotli.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from pipeline.backends import onnxruntime_cpu, tfjs_wasm
from pipeline.browser import session
from pipeline.bundled.train import examples
from pipeline.model import Signature, TensorSpec
from pipeline.tasks.image_classification import accuracy
from tests.benchmarks import peer_artifacts
from tests.benchmarks.first_prediction import default_config
from tests.benchmarks.optimize_asked import answers
from tests.benchmarks.optimize_row import Row, float32
from tests.client.client_release import BUNDLED, Release, publish

HERE = Path(__file__).parent
MODEL = "MobileNet digits"

SIGNATURE = Signature(
    (TensorSpec("image", "float32", (None, 64, 64, 3)),),
    (TensorSpec("probabilities", "float32", (None, 10), softmax=True),),
)
#: Samples that onnxruntime's static quantization is shown.
CALIBRATE = 128


def measured(artifact: Path, model: str, maker: str) -> Row:
    """A peer's artifact of the bundled model or one like it, on the digits' test split."""
    test = examples("test")
    inputs = {"image": test.inputs[0]}
    is_onnx = json.loads((artifact / "artifact.json").read_text())["format"] == "onnx"
    opened = (
        onnxruntime_cpu.open_session(artifact)
        if is_onnx
        else tfjs_wasm.open_session(artifact, "chromium")
    )
    with opened as running:
        outputs = running.infer(inputs)
    right = accuracy(dict(outputs), test.targets[0])
    return Row(model, maker, peer_artifacts.wire_bytes(artifact), right["value"])


def published(release: Release, model: str, name: str) -> Row:
    """One of our artifacts, by what its proofs in the manifest say."""
    one = release.artifact(name)
    ratios = {
        proof["target"].split("@")[0]: proof["latency"]["ratio"]["value"]
        for proof in one["validation"]
        if proof.get("latency") and proof["latency"].get("ratio")
    }
    return Row(
        model,
        name,
        one["br_bytes"],
        one["accuracy"]["value"],
        reference=name.endswith("/fp32"),
        ours=True,
        speeds=tuple((target, 1 / value) for target, value in sorted(ratios.items())),
    )


def bundled(folder: Path) -> list[Row]:
    """The default config's artifacts, and the peers' of the same model."""
    saved = folder / "saved"
    words = [sys.executable, HERE / "bundled_model.py", BUNDLED, saved]
    subprocess.run([*map(str, words)], check=True, capture_output=True)
    peer_tfjs = peer_artifacts.tfjs(saved, SIGNATURE, folder / "tfjs", "--quantize_uint8=*")
    calibration = {"image": examples("calibration").inputs[0][:CALIBRATE]}
    peer_onnx = peer_artifacts.onnx_int8(saved, SIGNATURE, folder / "onnx", calibration)
    release = publish(config(), folder, folder / "store")
    ours = [published(release, MODEL, one["id"]) for one in release.manifest["artifacts"]]
    return [
        measured(peer_tfjs, MODEL, "tensorflowjs_converter uint8"),
        measured(peer_onnx, MODEL, "onnxruntime static int8"),
        *ours,
    ]


def config() -> dict[str, Any]:
    """The default config, proved where nothing but a processor is needed."""
    chosen = default_config()
    chosen["validate"]["backends"] = ["onnxruntime-cpu", "tfjs-wasm", "ort-wasm"]
    return chosen


def report(rows: Sequence[Row]) -> None:
    """Print the table, each row beside float32 of its model and format."""
    targets = sorted({target for row in rows for target, _ in row.speeds})
    heads = "".join(f"{target:>12}" for target in targets)
    click.echo(f"{'model':22}{'artifact':32}{'brotli':>10}{'quality':>10}{'lost':>8}{heads}")
    for row in rows:
        speeds = dict(row.speeds)
        times = "".join(_speed(speeds.get(target)) for target in targets)
        click.echo(f"{row.model:22}{row.maker:32}{row.wire_bytes / 1000:7.1f} KB"
                   f"{_quality(row):>10}{_lost(row, rows):>8}{times}")  # fmt: skip
    click.echo()
    for asked, came in answers(rows):
        click.echo(f"{asked:44}{came}")


def _speed(ratio: float | None) -> str:
    return f"{ratio:11.2f}×" if ratio else f"{'–':>12}"


def _quality(row: Row) -> str:
    return f"{row.quality:.2%}" if row.unit == "%" else f"{row.quality:.1f} dB"


def _lost(row: Row, rows: Sequence[Row]) -> str:
    """Points of accuracy lost against float32."""
    if row.unit != "%":
        return "–"
    best = float32([other for other in rows if other.model == row.model])
    return f"{100 * (best.quality - row.quality):.2f}"


def draw(rows: Sequence[Row], path: Path) -> None:
    """The first model's artifacts, largest of each format first, without float32."""
    from tests.benchmarks import optimize_chart

    shown = [row for row in rows if row.model == MODEL and not row.reference]
    listed = [
        {"name": row.maker, "wire_bytes": row.wire_bytes, "said": _quality(row), "ours": row.ours}
        for row in sorted(shown, key=lambda row: -row.wire_bytes)
    ]
    optimize_chart.write(listed, path)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the rows for a machine.")
@click.option("--chart", type=click.Path(path_type=Path), help="Draw the chart into this SVG file.")
def main(as_json: bool, chart: Path | None) -> None:
    """Compare bytes, accuracy and speed with the peers' tools."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        rows = bundled(Path(name))
    session.close()
    if chart:
        draw(rows, chart)
    click.echo(json.dumps([asdict(row) for row in rows], indent=1)) if as_json else report(rows)


if __name__ == "__main__":
    main()
