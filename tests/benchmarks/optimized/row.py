"""One artifact in the comparison with the peers' tools, and how it is measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.backends import onnxruntime_cpu
from pipeline.backends.web.backends import BACKENDS
from tests.benchmarks import peer_artifacts
from tests.classes import accuracy
from tests.client.client_release import Release
from tools.train_digits import examples

#: The bundled model.
MODEL = "MobileNet digits"
PEER_TFJS, PEER_ONNX = "tensorflowjs_converter uint8", "onnxruntime static int8"


@dataclass(frozen=True)
class Row:
    """One artifact."""

    model: str
    maker: str
    """A peer's tool, or our artifact's id."""
    wire_bytes: int
    quality: float
    """Accuracy, 0 to 1, or a signal-to-noise ratio in dB."""
    unit: str = "%"
    reference: bool = False
    """Whether it is float32, which the others are held against."""
    ours: bool = False
    speeds: tuple[tuple[str, float], ...] = ()
    """Target -> how many times as fast as float32 in the same format."""


def float32(rows: Sequence[Row]) -> Row:
    """What the rows of one model are held against."""
    return next(row for row in rows if row.reference)


def measured(artifact: Path, model: str, maker: str) -> Row:
    """A peer's artifact of a digits reader, on the test split, with the runtimes of our proofs."""
    test = examples("test")
    is_onnx = json.loads((artifact / "artifact.json").read_text())["format"] == "onnx"
    opened = (
        onnxruntime_cpu.BACKEND.open_session(artifact)
        if is_onnx
        else BACKENDS["tfjs-wasm"].open_session(artifact, "chromium")
    )
    with opened as running:
        outputs = running.infer({"image": test.inputs[0]})
    right = accuracy(dict(outputs), test.targets[0])
    return Row(model, maker, peer_artifacts.wire_bytes(artifact), right)


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
