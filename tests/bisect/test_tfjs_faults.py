"""Faults planted in TF.js artifacts, found in a real Chromium, and some in TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from models import Converted, Weights
from nightly import nightly
from pages import shown

pytestmark = pytest.mark.browser

WASM, WEBGL = "tfjs-wasm@chromium", "tfjs-webgl@chromium"
#: Reads the same artifacts, and opens no page: for what no runtime does otherwise.
TENSORFLOW = "tensorflow"


Nodes = dict[str, dict[str, Any]]
Change = Callable[[Nodes, Weights], None]


def nothing(nodes: Nodes, weights: Weights) -> None:
    """The artifact as it is."""


def weight(node: str, position: int = 1) -> Change:
    """Make one value of a node's constant wrong."""

    def apply(nodes: Nodes, weights: Weights) -> None:
        values = weights[nodes[node]["input"][position]]
        values.flat[values.size // 2] += 1

    return apply


def swapped(node: str) -> Change:
    def apply(nodes: Nodes, weights: Weights) -> None:
        inputs = nodes[node]["input"]
        inputs[0], inputs[1] = inputs[1], inputs[0]

    return apply


def attribute(node: str, key: str, value: Any) -> Change:
    def apply(nodes: Nodes, weights: Weights) -> None:
        nodes[node]["attr"][key] = value

    return apply


def operator(node: str, op: str) -> Change:
    def apply(nodes: Nodes, weights: Weights) -> None:
        nodes[node]["op"] = op

    return apply


def fewer_channels_first(nodes: Nodes, weights: Weights) -> None:
    weights["joined/axis"][...] = 1


DILATED = {"list": {"i": ["1", "2", "2", "1"]}}
CONV_5 = "mobilenet_digits/conv_pw_5_relu/Relu6"
DEPTHWISE_9 = "mobilenet_digits/conv_dw_9/depthwise"

TRANSPOSED = attribute("two", "transpose_b", {"b": True})

#: A loop, in a page without shaders, which take a rasterizer longest; below a node outside of one.
FAULTS = {
    "behind a loop": ("looping", weight("scores_1"), "scores_1", WASM),
}
#: Found in the same way. WebGL rounds otherwise in each operator, which ``branches`` shows.
FAULTS_NIGHTLY = {
    "a depthwise bias": ("branches", weight("right/dw", 2), "right/dw", WEBGL),
    "swapped parts": ("branches", swapped("joined"), "joined", WASM),
    "a deep depthwise weight": ("mobilenet", weight(DEPTHWISE_9), DEPTHWISE_9, WASM),
    "dilation": ("branches", attribute("left/relu6", "dilations", DILATED), "left/relu6", WASM),
    "swapped operands": ("branches", swapped("less"), "less", WASM),
    "operator": ("branches", operator("residual", "Sub"), "residual", WASM),
    "transposition": ("perceptron", TRANSPOSED, "two", WASM),
    "transposition on WebGL": ("perceptron", TRANSPOSED, "two", WEBGL),
    "a deep weight": ("mobilenet", weight(CONV_5), CONV_5, WASM),
}


#: Where a fault is found, all other nodes are right too: whole ones run in pages nightly.
RIGHT = [
    ("looping", TENSORFLOW),
    *(nightly("branches", target) for target in (WASM, WEBGL)),
    *(nightly("mobilenet", target) for target in (WASM, WEBGL)),
    nightly("looping", WASM),
]


@pytest.mark.parametrize(("name", "target"), RIGHT)
def test_a_right_artifact_is_right_everywhere(
    converted: dict[str, Converted], name: str, target: str, tmp_path: Path
) -> None:
    result = converted[name].bisect(converted[name].tfjs(tmp_path, nothing), tmp_path, target)
    assert result["first"] is None
    assert result["wrong"] == []
    assert result["compared"] == result["nodes"]


@pytest.mark.parametrize("fault", [*FAULTS, *map(nightly, FAULTS_NIGHTLY)])
def test_exactly_the_faulty_node_is_found(
    converted: dict[str, Converted], fault: str, tmp_path: Path
) -> None:
    name, change, expected, target = (FAULTS | FAULTS_NIGHTLY)[fault]
    result = converted[name].bisect(converted[name].tfjs(tmp_path, change), tmp_path, target)
    assert [one["node"] for one in result["wrong"]] == [expected]
    assert result["first"]["error_before"] <= result["tolerance"] < result["first"]["error_after"]
    assert result["ranking"][0]["node"] == expected
    assert result["compared"] == result["nodes"]
    assert result["hardware"]["details"]["backend"] == backend(target)


def backend(target: str) -> str:
    """TF.js' own name."""
    return target.removeprefix("tfjs-").removesuffix("@chromium")


# That of test_rounding_is_no_fault_and_a_fault_is_found_beside_it, in float32.
@pytest.mark.nightly
def test_a_fault_of_the_conversion_is_found_without_a_browser(
    converted: dict[str, Converted], tmp_path: Path
) -> None:
    artifact = converted["mobilenet"].tfjs(tmp_path, weight(DEPTHWISE_9))
    result = converted["mobilenet"].bisect(artifact, tmp_path, TENSORFLOW)
    assert [one["node"] for one in result["wrong"]] == [DEPTHWISE_9]
    assert result["compared"] == result["nodes"]


@pytest.mark.parametrize("target", [TENSORFLOW, nightly(WASM)])
def test_a_tensor_of_another_shape_is_wrong(
    converted: dict[str, Converted], target: str, tmp_path: Path
) -> None:
    artifact = converted["branches"].tfjs(tmp_path, fewer_channels_first)
    result = converted["branches"].bisect(artifact, tmp_path, target)
    assert [one["node"] for one in result["wrong"]] == ["joined"]
    assert "[1, 12, 6, 8] where the source has [1, 6, 6, 16]" in result["first"]["reason"]


LACKING = [("perceptron", "BiasAdd"), nightly("branches", "gate"), nightly("looping", "halves")]


@pytest.mark.parametrize(("name", "node"), LACKING)
def test_a_node_that_the_backend_lacks_is_wrong(
    converted: dict[str, Converted], name: str, node: str, tmp_path: Path
) -> None:
    artifact = converted[name].tfjs(tmp_path, operator(node, "Sigmoidal"))
    result = converted[name].bisect(artifact, tmp_path, WASM)
    assert {one["node"] for one in result["wrong"]} == {node}
    assert "Sigmoidal" in result["first"]["reason"]


@pytest.mark.parametrize("target", [TENSORFLOW, nightly(WASM)])
def test_a_scale_that_moved_into_the_next_weights_is_no_fault(
    converted: dict[str, Converted], target: str, tmp_path: Path
) -> None:
    """The optimizer moves a division into the next convolution, and lets its node keep its name."""
    for name, change in (("right", nothing), ("wrong", weight("two/conv"))):
        (work := tmp_path / name).mkdir()
        result = converted["swish"].bisect(converted["swish"].tfjs(work, change), work, target)
        wrong = [one["node"] for one in result["wrong"]]
        assert wrong == (["two/conv"] if name == "wrong" else [])
        # The values show that the name is wrong.
        compared = {one["tensor"] for one in result["ranking"]}
        assert "mul:0" not in compared
        assert {"fused:0", "moved:0"} <= compared


@pytest.mark.nightly  # in ONNX on a pull request: test_onnx_faults.py
@pytest.mark.parametrize("target", [TENSORFLOW, WASM])
def test_rounding_is_no_fault_and_a_fault_is_found_beside_it(
    converted: dict[str, Converted], target: str, tmp_path: Path
) -> None:
    for name, change in (("right", nothing), ("wrong", weight(DEPTHWISE_9))):
        (work := tmp_path / name).mkdir()
        artifact = converted["mobilenet"].tfjs(work, change, "uint8")
        result = converted["mobilenet"].bisect(artifact, work, target, tolerance=0.1)
        wrong = [one["node"] for one in result["wrong"]]
        assert wrong == ([DEPTHWISE_9] if name == "wrong" else [])


@pytest.mark.parametrize("target", [WASM, nightly(WEBGL)])
def test_the_page_shows_the_same_error_by_itself(
    converted: dict[str, Converted], target: str, tmp_path: Path
) -> None:
    artifact = converted["branches"].tfjs(tmp_path, weight("left/relu6"))
    result = converted["branches"].bisect(artifact, tmp_path, target)
    assert [one["node"] for one in result["wrong"]] == ["left/relu6"]
    folder = tmp_path / "found" / "reproduction"
    assert "python -m http.server" in (folder / "README.md").read_text()
    verdict, runtime, share, *_ = shown(folder).splitlines()
    assert verdict == "wrong"
    assert f" {backend(target)}, _FusedConv2D left/relu6" in runtime
    assert float(share.split()[-1]) == pytest.approx(result["first"]["error_added"], rel=1e-3)
