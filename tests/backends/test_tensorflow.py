"""TF.js graph artifacts in TensorFlow, decoded as TF.js does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from pipeline.backends import tensorflow
from pipeline.export import tfjs_graph
from pipeline.export.tfjs_graph.packaging import PackageOptions
from pipeline.tensors.signature import Signature, TensorSpec

FIXTURES = Path(__file__).parent / "web" / "fixtures"


@pytest.mark.parametrize("name", ["classifier", "three_outputs", "dynamic"])
def test_parity(name: str) -> None:
    expected = load_file(FIXTURES / name / "outputs.safetensors")
    with tensorflow.BACKEND.open_session(FIXTURES / name / "artifact") as opened:
        outputs = opened.infer(load_file(FIXTURES / name / "inputs.safetensors"))
        assert opened.hardware.kind == "cpu"
        assert opened.hardware.details["engine"] == "tensorflow"
    assert set(outputs) == set(expected)
    for key, array in expected.items():
        np.testing.assert_allclose(outputs[key], array, atol=1e-5, rtol=1e-5)


def test_a_reference_is_timed_beside_it() -> None:
    artifact = FIXTURES / "classifier" / "artifact"
    one = load_file(FIXTURES / "classifier" / "inputs.safetensors")
    one = {name: values[:1] for name, values in one.items()}
    with tensorflow.BACKEND.open_session(artifact) as opened:
        latency = opened.latency(one, reference=artifact, warmups=1, repeats=4)
    assert len(latency.warm_ms) == len(latency.reference_ms or []) == 4


@pytest.mark.parametrize(("codec", "bound"), [("uint8", 0.1), ("uint16", 1e-3), ("float16", 1e-2)])
def test_quantized_weights_are_what_a_browser_makes_of_them(
    tmp_path: Path, codec: str, bound: float
) -> None:
    model, artifact = tmp_path / "model", tmp_path / "artifact"
    unpack(FIXTURES / "classifier" / "artifact", model)
    artifact.mkdir()
    options = PackageOptions(format="tfjs-graph", variant=codec, shard_bytes=2**20, codec=codec)
    tfjs_graph.package({"model": model}, options, artifact)
    exact = load_file(FIXTURES / "classifier" / "outputs.safetensors")["probabilities"]
    inputs = load_file(FIXTURES / "classifier" / "inputs.safetensors")
    with tensorflow.BACKEND.open_session(artifact) as opened:
        error = np.abs(opened.infer(inputs)["probabilities"] - exact).max()
    assert 0 < error < bound


def unpack(artifact: Path, to: Path) -> None:
    """A CONVERTED folder of a float32 artifact."""
    to.mkdir()
    description = json.loads((artifact / "artifact.json").read_text())
    model = json.loads((artifact / description["entry"]).read_text())
    (group,) = model["weightsManifest"]
    folder = (artifact / description["entry"]).parent
    (to / "weights.bin").write_bytes(b"".join((folder / p).read_bytes() for p in group["paths"]))
    (to / "model.json").write_text(json.dumps(model))
    sides = (description["inputs"], description["outputs"])
    specs = [
        tuple(TensorSpec(s["name"], s["dtype"], tuple(s["shape"])) for s in side) for side in sides
    ]
    Signature(*specs).write(to)
