"""Artifacts that some processors compute wrongly are found by their integers, on any machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import apply_int8, write_model, write_samples

from pipeline.artifacts.proof import Portability
from pipeline.base.errors import GateError
from pipeline.build.judge import judge
from pipeline.build.result import Built
from pipeline.engine.store import Store
from pipeline.export import onnx as fmt
from pipeline.optimize import int8_dynamic
from pipeline.publish.release.manifest import Proved, _judge
from pipeline.report import terminal
from pipeline.report.artifact import Artifact
from pipeline.report.release import Release
from pipeline.report.summary import summarize
from pipeline.validate import portable
from pipeline.validate.gates import Facts
from pipeline.weights import pairs

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.normal(0, 1, (12, 4, 8, 8)).astype(np.float32)


def weight(*shape: int) -> Any:
    return RANDOM.normal(0, 0.3, shape).astype(np.float32)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    nodes = [
        helper.make_node("Conv", ["image", "w0", "b0"], ["c0"]),
        helper.make_node("Conv", ["c0", "w1"], ["c1"], group=16),
        helper.make_node("ConvTranspose", ["c1", "w2"], ["c2"]),
        helper.make_node("GlobalAveragePool", ["c2"], ["g"]),
        helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node("Gemm", ["f", "w3"], ["m"], transB=1),
        helper.make_node("MatMul", ["m", "w4"], ["y"]),
    ]
    return write_model(
        tmp_path_factory.mktemp("network") / "model",
        nodes,
        [("image", "float32", (None, 4, 8, 8))],
        [("y", "float32", (None, 50))],
        **{"w0": weight(16, 4, 3, 3), "b0": weight(16), "w1": weight(16, 1, 3, 3)},
        **{"w2": weight(16, 6, 2, 2), "w3": weight(30, 6), "w4": weight(30, 50)},
    )


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_samples(tmp_path_factory.mktemp("samples") / "s", image=IMAGES)


def checked(converted: Path, to: Path) -> dict[str, Any]:
    """What the step says of a CONVERTED folder's artifact."""
    for name in ("artifact", "check"):
        (to / name).mkdir(parents=True)
    fmt.package({"model": converted}, fmt.PackageOptions(variant="int8"), to / "artifact")
    portable.check({"artifact": to / "artifact"}, portable.Options(), to / "check")
    return dict(portable.read(Portability(to / "check")))


def described(*nodes: Any, **arrays: Any) -> dict[str, Any]:
    """What is said of a graph of these nodes and constants."""
    tensors = [numpy_helper.from_array(np.asarray(v), name) for name, v in arrays.items()]
    model = helper.make_model(helper.make_graph(nodes, "g", [], [], tensors))
    return portable.describe(model, Path())


@pytest.mark.parametrize("granularity", ["per-channel", "per-tensor"])
def test_portable_weights_are_portable_and_others_are_found(
    network: Path, samples: Path, granularity: str, tmp_path: Path
) -> None:
    apply_int8(network, samples, tmp_path / "right", granularity=granularity)
    apply_int8(network, samples, tmp_path / "planted", granularity=granularity, portable=False)
    right = checked(tmp_path / "right", tmp_path / "r")
    assert right["portable"]
    assert right["products"] == 5
    assert pairs.LARGEST_SUM // 2 < right["worst_sum"] <= pairs.LARGEST_SUM
    planted = checked(tmp_path / "planted", tmp_path / "p")
    assert not planted["portable"]
    assert planted["worst_sum"] > pairs.LARGEST_SUM
    assert planted["node"].startswith(planted["operator"])


@pytest.mark.parametrize("skip", ["Conv_0", "Conv_1", "Gemm_0"])
def test_what_is_left_in_float32_is_no_product_of_integers(
    network: Path, samples: Path, skip: str, tmp_path: Path
) -> None:
    apply_int8(network, samples, tmp_path / "work", skip=[skip])
    found = checked(tmp_path / "work", tmp_path / "r")
    assert (found["portable"], found["products"]) == (True, 4)


def test_one_weight_too_large_is_found_with_its_node(
    network: Path, samples: Path, tmp_path: Path
) -> None:
    path = apply_int8(network, samples, tmp_path / "work")
    model = onnx.load(path)
    tensor = next(t for t in model.graph.initializer if list(t.dims) == [16, 1, 3, 3])
    numbers = numpy_helper.to_array(tensor).copy()
    numbers[7] = [[[1, 0, 0], [0, -100, 0], [0, 0, -29]]]
    tensor.CopyFrom(numpy_helper.from_array(numbers, tensor.name))
    onnx.save(model, path)
    found = checked(tmp_path / "work", tmp_path / "r")
    assert found == {
        "portable": False,
        "products": 5,
        "node": "Conv_1",
        "operator": "Conv",
        "worst_sum": 255 * 129,
    }


def test_dynamic_int8_and_float32(tmp_path: Path) -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    specs = ([("x", "float32", (None, 64))], [("y", "float32", (None, 64))])
    model = write_model(tmp_path / "model", nodes, *specs, w=weight(64, 64))
    assert checked(model, tmp_path / "float32") == portable.NONE
    for name, wanted in (("portable", True), ("eight bits", False)):
        (tmp_path / name).mkdir()
        options = int8_dynamic.Options(portable=wanted)
        int8_dynamic.apply({"model": model, "samples": model}, options, tmp_path / name)
        found = checked(tmp_path / name, tmp_path / f"{name} checked")
        assert (found["portable"], found["operator"]) == (wanted, "MatMulInteger")


#: Two in a column; the rows are harmless.
COLUMN = np.array([[100, 1], [-3, 2], [29, -3]], np.int8)
DECODED = [
    helper.make_node("DequantizeLinear", ["q", "s", "z"], ["x"]),
    helper.make_node("DequantizeLinear", ["w", "s", "z"], ["d"]),
]
ZERO = {"s": np.float32(0.1), "z": np.int8(0)}


@pytest.mark.parametrize(("weights", "sum_"), [(COLUMN, 255 * 129), (COLUMN.T, 255 * 101)])
def test_pairs_are_of_one_output_channel(weights: Any, sum_: int) -> None:
    product = helper.make_node("MatMul", ["x", "d"], ["y"])
    assert described(*DECODED, product, w=weights, **ZERO)["worst_sum"] == sum_
    transposed = helper.make_node("Gemm", ["x", "d"], ["y"], transB=1)
    assert described(*DECODED, transposed, w=weights.T, **ZERO)["worst_sum"] == sum_
    own = helper.make_node("QGemm", ["q", "s", "z", "w", "s", "z"], ["y"], domain="com.microsoft")
    assert described(own, w=weights, **ZERO)["worst_sum"] == sum_
    # What moves values about may move any two together.
    move = helper.make_node("Transpose", ["d"], ["t"])
    moved = helper.make_node("MatMul", ["x", "t"], ["y"])
    assert described(*DECODED, move, moved, w=weights, **ZERO)["worst_sum"] == 255 * 129


def test_kernels_for_unsigned_weights_add_in_32_bits() -> None:
    product = helper.make_node("MatMul", ["x", "d"], ["y"])
    unsigned = {"s": np.float32(0.1), "z": np.uint8(128)}
    found = described(*DECODED, product, w=np.full((4, 4), 255, np.uint8), **unsigned)
    assert (found["portable"], found["products"], found["worst_sum"]) == (True, 1, 0)


@pytest.mark.parametrize(("zero", "holds"), [(np.uint8(0), True), (np.int8(0), False)])
def test_activations_in_the_place_of_weights_can_be_anything(zero: Any, holds: bool) -> None:
    product = helper.make_node("MatMul", ["x", "d"], ["y"])
    found = described(*DECODED, product, s=np.float32(1), z=zero)
    assert (found["portable"], found["products"]) == (holds, 1)


def test_weights_that_a_runtime_would_quantize_are_counted() -> None:
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["x"]),
        helper.make_node("Conv", ["x", "w"], ["y"], name="c"),
    ]
    found = described(*nodes, w=weight(4, 4, 3, 3), **ZERO)
    assert (found["portable"], found["node"]) == (False, "c")


@pytest.mark.parametrize(("bits", "holds"), [(4, True), (8, False)])
def test_weights_in_blocks(bits: int, holds: bool) -> None:
    node = helper.make_node(
        "MatMulNBits", ["x", "w", "s"], ["y"], domain="com.microsoft", bits=bits
    )
    assert described(node)["portable"] == holds
    kind = {4: TensorProto.INT4, 8: TensorProto.INT8}[bits]
    tensor = helper.make_tensor("w", kind, [32, 4], np.zeros(128, int).tolist())
    decode = helper.make_node("DequantizeLinear", ["w", "s"], ["d"], block_size=32, axis=0)
    product = helper.make_node("MatMul", ["x", "d"], ["y"])
    model = helper.make_model(helper.make_graph([decode, product], "g", [], [], [tensor]))
    assert portable.describe(model, Path())["portable"] == holds


def test_it_is_a_bound_that_is_told_in_words() -> None:
    known = {**portable.NONE, "portable": False, "worst_sum": 64770}
    (miss,) = portable.misses("onnx/int8", "onnxruntime-cpu", known)
    assert str(miss) == (
        "onnx/int8: two products may add up to 64,770, and some processors cut off what is over "
        "32,767"
    )
    assert list(portable.misses("onnx/int8", "onnxruntime-cpu", portable.NONE)) == []


TARGETS = ("onnxruntime-cpu", "ort-wasm@chromium")


def proved(known: dict[str, Any], *, unportable: bool) -> dict[str, Any]:
    """A manifest's artifact that keeps all other bounds on two targets."""
    bounds: dict[str, dict[str, float]] = {target: {} for target in TARGETS}
    one = Proved(id="onnx/int8", variant="int8", plain=False, targets=bounds, unportable=unportable)
    results = [
        {"target": target, "backend": target.partition("@")[0], "parity": {"nonfinite": 0}}
        | {"status": "measured", "accuracy": None, "required": True}
        | {"hardware": {"kind": "cpu", "name": "any"}, "latency": {"median_ms": 1.0}}
        for target in TARGETS
    ]
    results = [dict(_judge(one, r, Facts(1000), known, strict=False)) for r in results]
    sizes = {"format": "onnx", "variant": "int8", "bytes": 1000}
    return {"id": one.id, **sizes, "portability": known, "validation": results}


def test_it_is_not_published_unless_the_config_says_so(
    network: Path, samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    apply_int8(network, samples, tmp_path / "planted", portable=False)
    known = checked(tmp_path / "planted", tmp_path / "checked")
    for unportable in (True, False):
        artifact = proved(known, unportable=unportable)
        manifest = {"name": "m", "artifacts": [artifact]}
        built = Built(manifest, {}, {}, Store(tmp_path / "store"), "to", "latest", {})
        assert Artifact(artifact).status == ("pass" if unportable else "fail")
        assert not Artifact(artifact).portable
        terminal.show(Release(manifest))
        shown = " ".join(capsys.readouterr().out.split())
        assert "onnx/int8 ‡" in shown
        assert "‡ onnx/int8 is wrong on some processors: two products add up to" in shown
        assert known["node"] in shown
        if unportable:
            judge(built)
            continue
        with pytest.raises(GateError) as refused:
            judge(built)
        assert refused.value.exit_code == 3
        assert "--set validate.gates.onnx/int8.portable=false" in refused.value.todo
        # Once, not for each place where it ran.
        assert str(refused.value).count("two products may add up to") == 1
        assert len(summarize(Release(manifest)).failures) == 1
