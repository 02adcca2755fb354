"""Arithmetic between layers, and functions of TensorFlow that are called in their place."""

from __future__ import annotations

from typing import Any

from pipeline.export.tfjs_layers.piece import Config, Piece, Rewrite, cannot, rescaling


def _subtract(entry: Config, layer: Any) -> list[Piece]:
    return _plus(entry["config"]["name"], "minus", -1.0)


def _plus(name: str, suffix: str, scale: float) -> list[Piece]:
    """The first input and a multiple of the second."""
    other = f"{name}_{suffix}"
    return [rescaling(other, scale, inputs=(1,)), Piece("Add", {"name": name}, (0, other))]


def _scaled_sum(entry: Config, layer: Any) -> list[Piece]:
    return _plus(entry["config"]["name"], "scale", float(layer.scale))


_ARITHMETIC = {
    **{"math.add": "Add", "__operators__.add": "Add", "__operators__.radd": "Add"},
    **{"math.multiply": "Multiply", "__operators__.mul": "Multiply"},
    **{"__operators__.rmul": "Multiply", "math.subtract": "Sub", "__operators__.sub": "Sub"},
    **{"math.divide": "Div", "math.truediv": "Div", "__operators__.truediv": "Div"},
}
_FUNCTIONS = {
    **{"nn.relu": "relu", "nn.relu6": "relu6", "math.sigmoid": "sigmoid", "nn.sigmoid": "sigmoid"},
    **{"math.tanh": "tanh", "nn.tanh": "tanh", "nn.silu": "swish", "nn.swish": "swish"},
}


def _operation(entry: Config, layer: Any) -> list[Piece]:
    """``x + 3.0``, ``x * y``, ``tf.nn.relu(x)`` between layers, as layers."""
    name, function = entry["name"], entry["config"]["function"]
    if function in _FUNCTIONS:
        return [Piece("Activation", {"name": name, "activation": _FUNCTIONS[function]})]
    kind = _ARITHMETIC.get(function)
    if kind is None or len(entry["inbound_nodes"]) != 1:
        raise cannot(name, f"tf.{function}", "TF.js has no such layer")
    (node,) = entry["inbound_nodes"]
    number = _number(node)
    if number is not None:
        scale = {"Multiply": number, "Div": 1 / (number or 1)}.get(kind, 1.0)
        offset = {"Add": number, "Sub": -number}.get(kind, 0.0)
        return [rescaling(name, scale, offset)]
    if kind not in ("Add", "Multiply") or len(operands(node)) != 2:
        raise cannot(name, f"tf.{function}", "TF.js has no layer for it on these operands")
    return [Piece(kind, {"name": name})]


def _number(node: list[Any]) -> float | None:
    """The constant right operand of a call such as ``[["x", 0, 0, {"y": 3.0}]]``."""
    value = node[0][3].get("y") if len(node[0]) > 3 else None
    return float(value) if isinstance(value, (int, float)) else None


def operands(node: list[Any]) -> list[Any]:
    """The tensors of a call, with one given by keyword: ``[["x", 0, 0, {"y": ["z", 0, 0]}]]``."""
    other = node[0][3].get("y") if len(node[0]) > 3 else None
    return [*node, other] if isinstance(other, list) else node


REWRITES: dict[str, Rewrite] = {
    "CustomScaleLayer": _scaled_sum,
    "Subtract": _subtract,
    "TFOpLambda": _operation,
}
