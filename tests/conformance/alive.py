"""Random weights under which activations neither vanish nor explode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

#: The least variance of a feature, as a share of the mean one.
LEAST = 0.05

#: The mean shift behind a norm, in standard deviations. Norms around 0 with random weights amplify
#: each rounding from layer to layer, as no trained network does; less so where the network is
#: nearly linear (Yang et al. 2019, arXiv:1902.08129). Of a MobileNet's outputs int8 then costs a
#: relative error of 0.27 and not 0.95.
NEARLY_LINEAR = 1.0


def wake(model: Any, inputs: Sequence[Array]) -> None:
    """Set every weight: kernels by He et al. 2015 (arXiv:1502.01852), the rest near its identity.

    Batch norms take the moments of ``inputs``, as after training.
    """
    chance = np.random.default_rng(3)
    for variable in model.variables:
        if (value := _value(variable, chance)) is not None:
            variable.assign(value.astype(variable.dtype if "bf" not in variable.dtype else "f4"))
    _settle(model, inputs)
    _balance(model, inputs)


def _value(variable: Any, chance: np.random.Generator) -> Array | None:
    shape, name = tuple(variable.shape), variable.path.rsplit("/", 1)[-1]
    if not variable.trainable or "float" not in str(variable.dtype):
        return None
    if name in ("gamma", "scale"):
        return chance.uniform(0.7, 1.3, shape)
    if name == "beta":
        return chance.normal(NEARLY_LINEAR, 0.2, shape)
    if name == "embeddings":
        return chance.normal(size=shape)
    if "kernel" in name and len(shape) > 1:
        # Depthwise kernels sum over space alone; their last axis is the multiplier.
        fan = np.prod(shape[:-2] if "depthwise" in name else shape[:-1])
        gain = 1.0 if "recurrent" in name else 2.0
        return chance.normal(0, np.sqrt(gain / max(float(fan), 1.0)), shape)
    return chance.normal(0, 0.2, shape)


def _settle(model: Any, inputs: Sequence[Array]) -> None:
    """One step of training that learns nothing but the moments, on more than the samples.

    Of few samples some features are all but the same: divided by so little, rounding errors of one
    runtime would be as large as the outputs.
    """
    layers = model._flatten_layers(include_self=False, recursive=True)
    norms = [layer for layer in layers if type(layer).__name__ == "BatchNormalization"]
    momenta = [layer.momentum for layer in norms]
    if not norms:
        return
    for layer in norms:
        layer.momentum = 0.0
    more = [_varied(values) for values in inputs]
    model(more if len(more) > 1 else more[0], training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
        variance = layer.moving_variance.numpy()
        layer.moving_variance.assign(np.maximum(variance, LEAST * variance.mean()))


def _balance(model: Any, inputs: Sequence[Array]) -> None:
    """Let no class win on all inputs, as none does after training: a softmax would hardly vary."""
    head = model.layers[-1] if getattr(model, "layers", None) else None
    activation = getattr(getattr(head, "activation", None), "__name__", "")
    is_biased = getattr(head, "use_bias", False)
    if head is None or activation != "softmax" or not is_biased or len(model.outputs) != 1:
        return
    head.activation, softmax = None, head.activation
    logits = model(list(inputs) if len(inputs) > 1 else inputs[0])
    head.activation = softmax
    head.bias.assign(head.bias - logits.numpy().reshape(-1, logits.shape[-1]).mean(axis=0))


def _varied(values: Array) -> Array:
    """Eight times as many, each half of one and half of another."""
    if values.dtype.kind != "f":
        return np.concatenate([values] * 8)
    chance = np.random.default_rng(6)
    mixed = [0.5 * values + 0.5 * chance.permuted(values, axis=None) for _ in range(7)]
    return np.concatenate([values, *mixed]).astype(values.dtype)
