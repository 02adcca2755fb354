"""Large weights are quantized from files, one at a time: the same bytes come of it.

What is large here is small, so that all of a tiny model is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper
from onnx_models import run, write_model, write_samples

from pipeline.artifacts import large
from pipeline.artifacts.converted import ConvertedOnnx
from pipeline.optimize import float16_compute, int8, int8_dynamic
from pipeline.optimize.onnx import stand_ins

RANDOM = np.random.default_rng(5)

NODES = [
    helper.make_node("Gather", ["table", "ids"], ["rows"]),
    helper.make_node("Reshape", ["rows", "image"], ["picture"]),
    helper.make_node("Conv", ["picture", "conv", "conv_bias"], ["a"], pads=[1, 1, 1, 1]),
    helper.make_node("Relu", ["a"], ["b"]),
    helper.make_node("ConvTranspose", ["b", "up"], ["c"]),
    helper.make_node("Reshape", ["c", "flat"], ["d"]),
    helper.make_node("Gemm", ["d", "dense", "dense_bias"], ["e"], transB=1),
    helper.make_node("Gemm", ["e", "narrow"], ["f"]),
    helper.make_node("MatMul", ["f", "mixed"], ["g"]),
    helper.make_node("Add", ["g", "added"], ["h"]),
    helper.make_node("Transpose", ["h"], ["columns"], perm=[1, 0]),
    helper.make_node("MatMul", ["left", "columns"], ["y"]),
]


def normal(*shape: int) -> Any:
    return RANDOM.normal(0, 1 / np.sqrt(np.prod(shape[1:])), shape).astype(np.float32)


CONSTANTS = {
    **{"table": normal(40, 48), "image": np.array([-1, 3, 4, 4]), "flat": np.array([-1, 300])},
    **{"conv": normal(8, 3, 3, 3), "conv_bias": normal(8), "up": normal(8, 12, 2, 2)},
    **{"dense": normal(80, 300), "dense_bias": normal(80), "narrow": normal(80, 24)},
    **{"mixed": normal(24, 16), "added": normal(1, 16), "left": normal(9, 16)},
}


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    ids = RANDOM.integers(0, 40, (12, 1))
    return write_samples(tmp_path_factory.mktemp("samples") / "s", ids=ids)


def made_by(apply: Any, options: Any, samples: Path, folder: Path) -> ConvertedOnnx:
    """What a technique makes of a model with every kind of weight."""
    folder.mkdir()
    model = write_model(
        folder / "model", NODES, [("ids", "int64", (None, 1))], [("y", "float32", (9, None))],
        **CONSTANTS,
    )  # fmt: skip
    (folder / "work").mkdir()
    apply({"model": model, "samples": samples}, options, folder / "work")
    return ConvertedOnnx(folder / "work")


CASES = {
    "int8": (int8.apply, int8.Options()),
    "per tensor": (int8.apply, int8.Options(granularity="per-tensor")),
    "not portable": (int8.apply, int8.Options(portable=False)),
    "some kept": (int8.apply, int8.Options(keep={"relative_error": 0.02}, method="mse")),
    "half": (float16_compute.apply, float16_compute.Options()),
    "dynamic": (int8_dynamic.apply, int8_dynamic.Options(skip=["Gather"])),
}


@pytest.mark.parametrize("case", CASES)
def test_the_same_numbers_come_of_weights_in_files(
    case: str, samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = made_by(*CASES[case], samples, tmp_path / "usual")
    monkeypatch.setattr(large, "LARGE_BYTES", 64)
    made = made_by(*CASES[case], samples, tmp_path / "large")
    assert made.model() == usual.model()
    assert made.outline().ByteSize() < usual.outline().ByteSize()
    named = set(large_files(made))
    assert {path.stem for path in made.large.folder.iterdir()} == named
    assert {path.name for path in made.folder.iterdir()} == {
        *(path.name for path in usual.folder.iterdir()), large.LargeTensors.NAME
    }  # fmt: skip


def large_files(made: ConvertedOnnx) -> list[str]:
    from pipeline.artifacts.large_onnx import keys_of

    return list(keys_of(made.outline().graph.initializer))


def test_the_quantizer_never_has_the_weights(
    samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    put = stand_ins.put

    def measured(model: Any, *rest: Any, **more: Any) -> Any:
        stood_for = put(model, *rest, **more)
        sizes.append(sum(len(tensor.raw_data) for tensor in model.graph.initializer))
        return stood_for

    monkeypatch.setattr(stand_ins, "put", measured)
    monkeypatch.setattr(large, "LARGE_BYTES", 64)
    made = made_by(*CASES["int8"], samples, tmp_path / "large")
    whole = sum(value.nbytes for value in CONSTANTS.values())
    assert sizes[0] < whole / 20
    assert run(made.folder / "model.onnx", ids=np.array([[3]]))[0].shape == (9, 1)
