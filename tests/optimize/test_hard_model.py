"""The model that one scale per tensor ruins: what reaches a page is as accurate as float32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from classes import accuracy
from safetensors.numpy import save_file

from pipeline.artifacts.frozen import Frozen
from pipeline.backends.tensorflow import BACKEND
from pipeline.base.options import NoOptions
from pipeline.export import tfjs_graph
from pipeline.export.freeze import freeze
from pipeline.optimize import equalize
from pipeline.optimize import round as rounding
from tests.benchmarks import hard_model
from tools import train_digits as train

pytestmark = pytest.mark.nightly


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``frozen``, ``samples`` and ``even``: the hard model, frozen and equalized."""
    root = tmp_path_factory.mktemp("hard")
    for name in ("frozen", "even", "samples"):
        (root / name).mkdir()
    freeze({"source": hard_model.source()}, NoOptions(), root / "frozen")
    equalize.apply(
        {"frozen": root / "frozen", "samples": root / "samples"}, equalize.Options(), root / "even"
    )
    (root / "samples" / "calibration").mkdir()
    given = {"image": train.examples("calibration").inputs[0][:128]}
    save_file(given, root / "samples" / "calibration" / "inputs.safetensors")
    return root


def right(frozen: Path, work: Path, codec: str | None) -> float:
    """The share of test digits that the TF.js artifact of a frozen graph reads right."""
    for name in ("converted", "artifact"):
        (work / name).mkdir(parents=True)
    tfjs_graph.convert({"frozen": frozen}, NoOptions(), work / "converted")
    type_ = tfjs_graph.package.options_type
    options = type_(format="tfjs-graph", variant="v", shard_bytes=2**22, codec=codec)
    tfjs_graph.package({"model": work / "converted"}, options, work / "artifact")
    test = train.examples("test")
    with BACKEND.open_session(work / "artifact") as session:
        outputs = session.infer({"image": test.inputs[0]})
    return accuracy(dict(outputs), test.targets[0])


def test_uint8_in_tfjs_is_as_right_as_float32(folder: Path, tmp_path: Path) -> None:
    float32 = right(folder / "frozen", tmp_path / "fp32", None)
    assert float32 > 0.985
    inputs = {"frozen": folder / "even", "samples": folder / "samples"}
    (tmp_path / "rounded").mkdir()
    rounding.apply(inputs, rounding.Options(levels=256), tmp_path / "rounded")
    assert right(tmp_path / "rounded", tmp_path / "uint8", "uint8") >= float32 - 0.005
    entry = next((tmp_path / "uint8" / "artifact" / "files").glob("*.json")).read_text()
    assert entry.count('"dtype":"uint8"') >= 20
    weights = sum(f.stat().st_size for f in (tmp_path / "uint8").glob("artifact/files/*.bin"))
    assert weights < 250_000


def test_without_rounding_it_is_hard(folder: Path, tmp_path: Path) -> None:
    """As the peer does it: nearest numbers, one scale for each tensor."""
    from pipeline.graphs.tensorflow.layers import layers
    from pipeline.graphs.tensorflow.network import Network
    from pipeline.weights.codec import decode, rounded

    network = Network.read(Frozen(folder / "frozen"))
    for layer in layers(network):
        values = network.value(layer.node.input[1])
        network.set_input(layer.node, 1, decode(rounded(values, None, np.uint8), None))
    (tmp_path / "peer").mkdir()
    network.write(Frozen(folder / "frozen"), tmp_path / "peer")
    assert right(tmp_path / "peer", tmp_path / "tfjs", None) < 0.3
