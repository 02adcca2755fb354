"""Bytes, accuracy and speed of what we make, beside what the peers' tools make of the same models.

``python -m tests.benchmarks.optimized``. Everything is measured in one run, on samples that no
technique has seen: bytes are those of all files of an artifact after brotli.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from pipeline.backends.web import session
from pipeline.tensors.signature import Signature, TensorSpec
from tests.benchmarks import nets224, peer_artifacts
from tests.benchmarks.first_prediction import optimized_config
from tests.benchmarks.optimized import chart as charts
from tests.benchmarks.optimized import others
from tests.benchmarks.optimized.asked import answers
from tests.benchmarks.optimized.row import (
    MODEL,
    PEER_ONNX,
    PEER_TFJS,
    Row,
    float32,
    measured,
    published,
)
from tests.client.client_release import BUNDLED, publish
from tools.train_digits import examples

SIGNATURE = Signature(
    (TensorSpec("image", "float32", (None, 64, 64, 3)),),
    (TensorSpec("probabilities", "float32", (None, 10), softmax=True),),
)
#: Samples that onnxruntime's static quantization is shown.
CALIBRATE = 128

NAMES = ("digits", "hard", *nets224.NAMES)


def bundled(folder: Path) -> list[Row]:
    """The optimized config's artifacts, and the peers' of the same model."""
    saved = peer_artifacts.saved_model(BUNDLED, folder / "saved")
    peer_tfjs = peer_artifacts.tfjs(saved, SIGNATURE, folder / "tfjs", "--quantize_uint8=*")
    calibration = {"image": examples("calibration").inputs[0][:CALIBRATE]}
    peer_onnx = peer_artifacts.onnx_int8(saved, SIGNATURE, folder / "onnx", calibration)
    release = publish(config(), folder, folder / "store")
    ours = [published(release, MODEL, one["id"]) for one in release.manifest["artifacts"]]
    return [
        measured(peer_tfjs, MODEL, PEER_TFJS),
        measured(peer_onnx, MODEL, PEER_ONNX),
        *ours,
    ]


def of_model(name: str, folder: Path) -> list[Row]:
    """The rows of one of ``NAMES``."""
    click.echo(f"comparing on {name}", err=True)
    if name == "digits":
        return bundled(folder)
    if name == "hard":
        return others.hard(folder / name, config(), SIGNATURE)
    return others.net(name, folder / name)


def config() -> dict[str, Any]:
    """The optimized config, proved where nothing but a processor is needed."""
    chosen = optimized_config()
    chosen["validate"]["backends"] = ["onnxruntime-cpu", "tfjs-wasm", "ort-wasm"]
    return chosen


def report(rows: Sequence[Row]) -> None:
    """Print the table, each row beside float32 of its model and format."""
    targets = sorted({target for row in rows for target, _ in row.speeds})
    heads = "".join(f"{target:>16}" for target in targets)
    click.echo(f"{'model':24}{'artifact':32}{'brotli':>10}{'quality':>10}{'lost':>8}{heads}")
    for row in rows:
        speeds = dict(row.speeds)
        times = "".join(_speed(speeds.get(target)) for target in targets)
        click.echo(f"{row.model:24}{row.maker:32}{row.wire_bytes / 1000:7.1f} KB"
                   f"{_quality(row):>10}{_lost(row, rows):>8}{times}")  # fmt: skip
    click.echo()
    for asked, came in answers(rows):
        click.echo(f"{asked:48}{came}")


def _speed(ratio: float | None) -> str:
    return f"{ratio:15.2f}×" if ratio else f"{'–':>16}"


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

    shown = [row for row in rows if row.model == MODEL and not row.reference]
    listed = [
        {"name": row.maker, "wire_bytes": row.wire_bytes, "said": _quality(row), "ours": row.ours}
        for row in sorted(shown, key=lambda row: -row.wire_bytes)
    ]
    charts.write(listed, path)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the rows for a machine.")
@click.option("--chart", type=click.Path(path_type=Path), help="Draw the chart into this SVG file.")
@click.option("--only", "chosen", multiple=True, type=click.Choice(NAMES), help="These models.")
def main(as_json: bool, chart: Path | None, chosen: tuple[str, ...]) -> None:
    """Compare bytes, accuracy and speed with the peers' tools."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with tempfile.TemporaryDirectory(prefix="bench-") as work:
        folder = Path(work)
        rows = [row for name in chosen or NAMES for row in of_model(name, folder)]
    session.close()
    if chart:
        draw(rows, chart)
    click.echo(json.dumps([asdict(row) for row in rows], indent=1)) if as_json else report(rows)


if __name__ == "__main__":
    main()
