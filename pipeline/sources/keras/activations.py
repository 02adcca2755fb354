"""Activations of Keras 3 in tf_keras: by name where both mean the same, as layers elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

#: Activations that both have, with the same meaning.
SAME = {
    *("elu", "exponential", "gelu", "linear", "log_softmax", "mish", "relu", "relu6", "selu"),
    *("sigmoid", "softmax", "softplus", "softsign", "swish", "tanh"),
}
RENAMED = {"silu": "swish", "celu": "elu"}

#: Operations of keras.ops -> the activation they are.
OPERATIONS = {
    **{"Relu": "relu", "Relu6": "relu6", "Sigmoid": "sigmoid", "Tanh": "tanh", "Silu": "silu"},
    **{"Softplus": "softplus", "Softsign": "softsign", "Elu": "elu", "Selu": "selu"},
    **{"HardSigmoid": "hard_sigmoid", "HardSilu": "hard_silu", "HardTanh": "hard_tanh"},
    **{"LogSigmoid": "log_sigmoid", "TanhShrink": "tanh_shrink"},
}

#: Cell -> which of the blocks of columns in its weights are gates, a column a unit.
_GATES = {"LSTMCell": (0, 1, 3), "GRUCell": (0, 1)}

Function = Callable[[Any], Any]


@dataclass(frozen=True)
class Followed:
    """A layer, and what its activation is in layers of its own."""

    layer: Any
    then: Function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.then(self.layer(*args, **kwargs))


def name_of(value: Any) -> Any:
    """The name of an activation, which Keras 3 writes as a string or as a dict of a function."""
    if isinstance(value, dict) and value.get("class_name") == "function":
        return value["config"]
    return value


def scale_gates(twin: Any) -> None:
    """Give gates with ``hard_sigmoid`` the meaning of Keras 3, by their weights.

    It is ``clip(x / 6 + 0.5)`` there, and ``clip(x / 5 + 0.5)`` in tf_keras and TF.js: what
    the gates read is made smaller by a sixth.
    """
    for cell in _gated(twin):
        blocks = _GATES[type(cell).__name__]
        gates = [block * cell.units + unit for block in blocks for unit in range(cell.units)]
        for weight in cell.weights:
            values = weight.numpy()
            values[..., gates] *= 5 / 6
            weight.assign(values)


def _gated(twin: Any) -> Iterator[Any]:
    """Cells whose gates are hard sigmoids."""
    import tf_keras

    for cell in {id(cell): cell for cell in _cells(twin)}.values():
        hard = tf_keras.activations.hard_sigmoid
        if type(cell).__name__ in _GATES and cell.recurrent_activation is hard:
            yield cell


def _cells(layer: Any) -> Iterator[Any]:
    yield layer
    for name in ("cell", "layer", "forward_layer", "backward_layer"):
        if (inner := getattr(layer, name, None)) is not None:
            yield from _cells(inner)
    for inner in getattr(layer, "cells", ()):
        yield from _cells(inner)


def _chain(*layers: Any) -> Function:
    def call(x: Any) -> Any:
        for layer in layers:
            x = layer(x)
        return x

    return call


def _hard_sigmoid(name: str, last: str | None = None) -> Function:
    """``relu6(x + 3) / 6``, of layers that TF.js has as well."""
    import tf_keras

    return _chain(
        tf_keras.layers.Rescaling(1.0, offset=3.0, name=f"{name}_shift"),
        tf_keras.layers.ReLU(6.0, name=f"{name}_clip"),
        tf_keras.layers.Rescaling(1 / 6, name=last or name),
    )


def _hard_swish(name: str) -> Function:
    import tf_keras

    gate = _hard_sigmoid(name, f"{name}_gate")
    product = tf_keras.layers.Multiply(name=name)
    return lambda x: product([x, gate(x)])


def _hard_tanh(name: str) -> Function:
    import tf_keras

    return _chain(
        tf_keras.layers.Rescaling(1.0, offset=1.0, name=f"{name}_shift"),
        tf_keras.layers.ReLU(2.0, name=f"{name}_clip"),
        tf_keras.layers.Rescaling(1.0, offset=-1.0, name=name),
    )


def _log_sigmoid(name: str) -> Function:
    """``-softplus(-x)``"""
    import tf_keras

    return _chain(
        tf_keras.layers.Rescaling(-1.0, name=f"{name}_minus"),
        tf_keras.layers.Activation("softplus", name=f"{name}_softplus"),
        tf_keras.layers.Rescaling(-1.0, name=name),
    )


def _tanh_shrink(name: str) -> Function:
    import tf_keras

    tanh = tf_keras.layers.Activation("tanh", name=f"{name}_tanh")
    difference = tf_keras.layers.Subtract(name=name)
    return lambda x: difference([x, tanh(x)])


def _shrink(name: str, above: Callable[[str], Function]) -> Function:
    """What is ``above`` 0.5, and below -0.5."""
    import tf_keras

    minus = tf_keras.layers.Rescaling(-1.0, name=f"{name}_mirror")
    difference = tf_keras.layers.Subtract(name=name)
    high, low = above(f"{name}_above"), above(f"{name}_below")
    return lambda x: difference([high(x), low(minus(x))])


def _soft_shrink(name: str) -> Function:
    import tf_keras

    return _shrink(
        name,
        lambda part: _chain(
            tf_keras.layers.Rescaling(1.0, offset=-0.5, name=f"{part}_less"),
            tf_keras.layers.ReLU(name=part),
        ),
    )


def _hard_shrink(name: str) -> Function:
    import tf_keras

    return _shrink(name, lambda part: _chain(tf_keras.layers.ThresholdedReLU(0.5, name=part)))


def _sparse_sigmoid(name: str) -> Function:
    """``clip((x + 1) / 2, 0, 1)``"""
    import tf_keras

    return _chain(
        tf_keras.layers.Rescaling(0.5, offset=0.5, name=f"{name}_half"),
        tf_keras.layers.ReLU(1.0, name=name),
    )


def _sparse_plus(name: str) -> Function:
    """``clip(x + 1, 0, 2)² / 4 + relu(x - 1)``: a parabola between two lines."""
    import tf_keras

    layers = tf_keras.layers
    clip = _chain(
        layers.Rescaling(1.0, offset=1.0, name=f"{name}_shift"),
        layers.ReLU(2.0, name=f"{name}_clip"),
    )
    square = layers.Multiply(name=f"{name}_square")
    quarter = layers.Rescaling(0.25, name=f"{name}_quarter")
    line = _chain(
        layers.Rescaling(1.0, offset=-1.0, name=f"{name}_less"), layers.ReLU(name=f"{name}_line")
    )
    both = layers.Add(name=name)

    def call(x: Any) -> Any:
        y = clip(x)
        return both([quarter(square([y, y])), line(x)])

    return call


def _glu(name: str) -> Function:
    """The first half of the last axis times the sigmoid of the second (arXiv:1612.08083)."""
    import tf_keras

    layers = tf_keras.layers

    def half(x: Any, first: bool) -> Any:
        *points, size = x.shape[1:]
        part, cut = f"{name}_{'first' if first else 'second'}", (size - size // 2, size // 2)
        sides = (0, cut[0]) if first else (cut[1], 0)
        image = layers.Reshape((-1, size, 1), name=f"{part}_image")(x)
        image = layers.Cropping2D(((0, 0), sides), name=f"{part}_cut")(image)
        return layers.Reshape((*points, size // 2), name=part)(image)

    gate, product = layers.Activation("sigmoid", name=f"{name}_gate"), layers.Multiply(name=name)
    return lambda x: product([half(x, True), gate(half(x, False))])


def _leaky_relu(name: str) -> Function:
    import tf_keras

    layer: Function = tf_keras.layers.LeakyReLU(0.2, name=name)
    return layer


COMPOSED: dict[str, Callable[[str], Function]] = {
    **{"hard_sigmoid": _hard_sigmoid, "hard_silu": _hard_swish, "hard_swish": _hard_swish},
    **{"hard_tanh": _hard_tanh, "leaky_relu": _leaky_relu, "log_sigmoid": _log_sigmoid},
    **{"glu": _glu, "hard_shrink": _hard_shrink, "soft_shrink": _soft_shrink},
    **{"sparse_plus": _sparse_plus, "sparse_sigmoid": _sparse_sigmoid},
    "tanh_shrink": _tanh_shrink,
}
"""Activation -> its layers, of which the last has a name that is given."""
