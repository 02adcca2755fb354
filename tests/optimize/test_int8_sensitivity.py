"""What int8 damages most stays in float32, and no more than that."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx_models import apply_int8, run, write_model, write_samples
from pydantic import ValidationError
from saturating import everywhere

from pipeline.base.errors import PipelineError
from pipeline.optimize.onnx import int8_sensitivity

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.normal(0, 1, (24, 3, 8, 8)).astype(np.float32)


def kernel(*shape: int) -> Any:
    return RANDOM.normal(0, 0.2, shape).astype(np.float32)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three convolutions; what the second gives differs a thousandfold from channel to channel."""
    factors = np.geomspace(1, 1000, 6, dtype=np.float32)
    nodes = [
        helper.make_node("Conv", ["image", "w0"], ["c0"]),
        helper.make_node("Conv", ["c0", "w1"], ["c1"]),
        helper.make_node("Conv", ["c1", "w2"], ["y"]),
    ]
    return write_model(
        tmp_path_factory.mktemp("network") / "model",
        nodes,
        [("image", "float32", (None, 3, 8, 8))],
        [("y", "float32", (None, 4, 8, 8))],
        w0=kernel(6, 3, 1, 1),
        w1=kernel(6, 6, 1, 1) * factors[:, None, None, None],
        w2=kernel(4, 6, 1, 1) / factors[None, :, None, None],
    )


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_samples(tmp_path_factory.mktemp("samples") / "s", image=IMAGES)


def relative(path: Path, model: Path) -> list[float]:
    """The errors here, and where sums saturate."""
    wanted = run(model / "model.onnx", image=IMAGES)[0]
    found = everywhere(path, image=IMAGES)
    return [float(np.sqrt(np.mean((one - wanted) ** 2)) / np.std(wanted)) for one in found]


def floats(path: Path) -> list[list[int]]:
    graph = onnx.load(path).graph
    return [list(t.dims) for t in graph.initializer if t.data_type == 1 and len(t.dims) == 4]


def test_only_what_hurts_stays_in_float32(network: Path, samples: Path, tmp_path: Path) -> None:
    plain = apply_int8(network, samples, tmp_path / "plain")
    kept = apply_int8(network, samples, tmp_path / "kept", keep={"relative_error": 0.03})
    assert min(relative(plain, network)) > 0.1
    assert max(relative(kept, network)) <= 0.03
    assert floats(plain) == []
    # The first is harmless.
    assert [6, 3, 1, 1] not in floats(kept)
    assert floats(kept)


def test_a_bound_that_is_kept_already_changes_nothing(
    network: Path, samples: Path, tmp_path: Path
) -> None:
    plain = apply_int8(network, samples, tmp_path / "plain").read_bytes()
    kept = apply_int8(network, samples, tmp_path / "kept", keep={"snr_db": -10, "samples": 8})
    assert kept.read_bytes() == plain


def test_a_bound_that_nothing_keeps_is_an_error(
    network: Path, samples: Path, tmp_path: Path
) -> None:
    model = onnx.load(network / "model.onnx")

    def broken(nodes: Sequence[str]) -> Any:
        copy = onnx.ModelProto.FromString(model.SerializeToString())
        copy.graph.initializer[0].raw_data = bytes(len(copy.graph.initializer[0].raw_data))
        return copy

    keep = int8_sensitivity.Keep(relative_error=0.01)
    names = [node.name for node in model.graph.node]
    with pytest.raises(PipelineError, match="no choice of nodes keeps"):
        int8_sensitivity.within(model, {"image": IMAGES}, names, broken, keep)


def test_a_bound_has_to_be_named() -> None:
    with pytest.raises(ValidationError, match="name a bound"):
        int8_sensitivity.Keep()
