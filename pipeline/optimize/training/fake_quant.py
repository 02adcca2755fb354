"""Trains a model with activations of eight bits, and finds their ranges. No technique itself.

Fake quantization with a moving average of each batch's least and greatest value (Jacob et al.
2018, arXiv:1712.05877, section 3.1). The quantizers of TensorFlow Model Optimization begin at -6
to 6 and forget in thousands of steps: a short fine-tuning would keep what they began with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.graphs.keras.fold import LINEAR, Scaled

#: Layers whose results runtimes keep in eight bits, beside those of ``LINEAR``. Layers that choose
#: or normalize, such as a softmax, are left in float32.
QUANTIZED = LINEAR | {
    *("ReLU", "Activation", "BatchNormalization", "Add", "Multiply", "Concatenate"),
    *("GlobalAveragePooling1D", "GlobalAveragePooling2D", "AveragePooling1D", "AveragePooling2D"),
}

#: Activations that a runtime makes a part of the layer before them.
FUSED = ("relu", "relu6", "linear")

#: What a range keeps of itself from batch to batch, once it has seen a few.
MEMORY = 0.98

#: A layer's place: its name, behind those of the models that it is in.
Path = str
Ranges = dict[Path, tuple[float, float]]


def wrap_in_fake_quant(model: Any) -> tuple[Any, dict[Path, Any]]:
    """The same layers, sharing their weights, with fake quantization behind those that need it.

    Returns:
        The model to train, and the wrappers, of which ``ranges`` reads what they found.
    """
    import tf_keras

    kind, wrappers = _wrapper_type(), {}

    def clone(inner: Any, prefix: str) -> Any:
        def wrap(layer: Any) -> Any:
            path = prefix + layer.name
            if isinstance(layer, tf_keras.Model):
                return clone(layer, f"{path}/")
            if not _needs_range(layer):
                return layer
            wrappers[path] = kind(layer, name=f"quantized_{layer.name}")
            return wrappers[path]

        return tf_keras.models.clone_model(inner, clone_function=wrap)

    return clone(model, ""), wrappers


def ranges(wrappers: Mapping[Path, Any], scaled: list[Scaled]) -> Ranges:
    """What each wrapped layer's result reaches from and to, zero included.

    Args:
        wrappers: of ``wrapped``, after a training.
        scaled: of ``fold``. What a batch norm gave is then the result of the layer it went into.
    """
    into = {layer.norm: layer.after.name for layer in scaled if layer.norm}
    bounds = {}
    for path, wrapper in wrappers.items():
        parent, _, name = path.rpartition("/")
        new = "/".join(filter(None, (parent, into.get(name, name))))
        bounds[new] = (float(wrapper.low), float(wrapper.high))
    return bounds


def _needs_range(layer: Any) -> bool:
    if type(layer).__name__ not in QUANTIZED or _activation(layer) not in FUSED:
        return False
    readers = [node.outbound_layer for node in layer.outbound_nodes]
    return _activation(layer) != "linear" or len(readers) != 1 or not _joins(readers[0])


def _joins(reader: Any) -> bool:
    """Whether a layer becomes a part of the linear one that it reads."""
    return type(reader).__name__ == "BatchNormalization" or (
        type(reader).__name__ in ("ReLU", "Activation") and _activation(reader) in FUSED
    )


def _activation(layer: Any) -> str:
    if type(layer).__name__ == "ReLU":
        return "relu"
    return str(getattr(getattr(layer, "activation", None), "__name__", "linear"))


def _wrapper_type() -> Any:
    import tensorflow as tf
    import tf_keras

    class Quantized(tf_keras.layers.Wrapper):  # type: ignore[misc]
        """A layer whose result has 256 values, from ``low`` to ``high``."""

        def build(self, input_shape: Any) -> None:
            super().build(input_shape)
            self.low, self.high, self.seen = (
                self.add_weight(name=name, shape=(), initializer="zeros", trainable=False)
                for name in ("low", "high", "seen")
            )

        def call(self, inputs: Any, training: Any = None) -> Any:
            result = self.layer(inputs)
            if training:
                self._widen(result)
            return tf.quantization.fake_quant_with_min_max_vars(result, self.low, self.high)

        def _widen(self, result: Any) -> None:
            pace = tf.maximum(1 / (self.seen + 1), 1 - MEMORY)
            self.seen.assign_add(1)
            for end, reached in ((self.low, tf.reduce_min), (self.high, tf.reduce_max)):
                bound = tf.minimum if end is self.low else tf.maximum
                end.assign_add(pace * (bound(reached(result), 0.0) - end))

    return Quantized
