"""What a processor answers that adds two products of 8 bits in 16, computed in NumPy on any.

x86 without VNNI does so: vpmaddubsw multiplies unsigned activations by signed weights, adds each
two neighbours along the inputs and saturates (see pipeline.weights.pairs). Depthwise
convolutions have a kernel that adds in 32 bits. All else of a graph is ONNX's reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

DOMAIN = "emulated"

PRODUCTS = ("Conv", "Gemm", "MatMul")


def run(path: Path, *, saturates: bool, **feeds: Any) -> list[Any]:
    """A model's outputs where pair sums saturate at 16 bits, or where they are exact."""
    model = onnx.load(path)
    makers = {name: node for node in model.graph.node for name in node.output}
    for node in model.graph.node:
        if node.op_type == "MatMulInteger":
            _emulate(node, node.input, saturates)
        elif node.op_type in PRODUCTS:
            decoders = [makers.get(name) for name in node.input[:2]]
            if all(one is not None and one.op_type == "DequantizeLinear" for one in decoders):
                raw = [name for one in decoders if one is not None for name in one.input]
                _emulate(node, [*raw, *node.input[2:]], saturates)
    if any(node.op_type == "DequantizeLinear" for node in model.graph.node):
        # The reference has it since 19, where it does the same as before.
        next(item for item in model.opset_import if not item.domain).version = 19
    model.opset_import.append(helper.make_opsetid(DOMAIN, 1))
    outputs: list[Any] = ReferenceEvaluator(model, new_ops=[Product, Sums]).run(None, feeds)
    return outputs


def everywhere(path: Path, **feeds: Any) -> list[Any]:
    """A model's first output on this machine's processor, and on one that saturates."""
    here = onnxruntime.InferenceSession(path).run(None, feeds)[0]
    return [here, run(path, saturates=True, **feeds)[0]]


def _emulate(node: Any, inputs: Any, saturates: bool) -> None:
    kind = "Sums" if node.op_type == "MatMulInteger" else "Product"
    kept = [item for item in node.attribute if item.name in ("strides", "pads", "group", "transB")]
    told = {"like": node.op_type, "saturates": int(saturates)}
    new = helper.make_node(kind, list(inputs), list(node.output), domain=DOMAIN, **told)
    new.attribute.extend(kept)
    node.CopyFrom(new)


def sums(values: Any, weights: Any, *, saturates: bool) -> Any:
    """Integer sums [m, n] of unsigned [m, k] times signed [k, n]."""
    total = np.zeros((len(values), weights.shape[1]), np.int64)
    for i in range(0, values.shape[1], 2):
        pair = values[:, i : i + 2].astype(np.int64) @ weights[i : i + 2].astype(np.int64)
        total += np.clip(pair, -(2**15), 2**15 - 1) if saturates else pair
    return total


def _unsigned(values: Any, zero: Any) -> tuple[Any, int]:
    """Activations and their zero as numbers from 0 to 255."""
    shift = 128 if values.dtype == np.int8 else 0
    return values.astype(np.int64) + shift, int(zero) + shift


class Sums(OpRun):  # type: ignore[misc]
    """MatMulInteger."""

    op_domain = DOMAIN

    def _run(self, a: Any, b: Any, zero: Any = 0, like: str = "", saturates: int = 0) -> Any:
        values, zero = _unsigned(a, zero)
        flat = values.reshape(-1, values.shape[-1])
        found = sums(flat, b, saturates=bool(saturates)) - zero * b.astype(np.int64).sum(axis=0)
        return (found.reshape(*a.shape[:-1], -1).astype(np.int32),)


class Product(OpRun):  # type: ignore[misc]
    """A convolution or matrix product between DequantizeLinear and QuantizeLinear.

    Of x and w: the numbers, the scale and the zero; then maybe a bias.
    """

    op_domain = DOMAIN

    def _run(self, *inputs: Any, **settings: Any) -> Any:
        x, x_scale, x_zero, w, w_scale, w_zero, *bias = inputs
        assert not np.any(w_zero)
        settings = {**DEFAULTS, **{key: v for key, v in settings.items() if v is not None}}
        convolution = settings["like"] == "Conv"
        values, zero = _unsigned(x, x_zero)
        if convolution:
            parts = list(_windows(values, zero, w, settings))
        else:
            weights = w.T if settings["transB"] else w
            parts = [(values.reshape(-1, len(weights)), weights)]
        depthwise = convolution and w.shape[1] == 1 and len(parts) == len(w)
        saturates = bool(settings["saturates"]) and not depthwise
        found = [
            sums(rows, part, saturates=saturates) - zero * part.astype(np.int64).sum(axis=0)
            for rows, part in parts
        ]
        scale = x_scale * w_scale
        offsets = np.rint(bias[0] / scale).astype(np.int64) if bias else 0
        result = ((np.concatenate(found, axis=1) + offsets) * scale).astype(np.float32)
        if not convolution:
            return (result.reshape(*x.shape[:-1], -1),)
        pads, stride = settings["pads"], settings["strides"][0]
        height = (x.shape[2] + pads[0] + pads[2] - w.shape[2]) // stride + 1
        return (result.reshape(len(x), height, -1, len(w)).transpose(0, 3, 1, 2),)


#: What ONNX's attributes are where a node has none.
DEFAULTS = {"strides": (1, 1), "pads": (0, 0, 0, 0), "group": 1, "transB": 0}


def _windows(x: Any, zero: int, w: Any, settings: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """By group, inputs [n * height * width, k] and weights [k, out]; k as kernels read: each
    point of the window with all its channels."""
    pads, strides, group = (settings[key] for key in ("pads", "strides", "group"))
    x = np.pad(x, ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])), constant_values=zero)
    seen = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))
    seen = seen[:, :, :: strides[0], :: strides[1]]
    for inputs, weights in zip(np.split(seen, group, 1), np.split(w, group, 0), strict=True):
        rows = inputs.transpose(0, 2, 3, 4, 5, 1)
        kernel = weights.transpose(2, 3, 1, 0)
        size = int(np.prod(kernel.shape[:3]))
        yield rows.reshape(-1, size), kernel.reshape(size, -1)
