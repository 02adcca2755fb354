"""The layers whose kernels hold most of a model's weights, and wrappers around them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, Protocol

from pipeline.base.errors import ConfigError, PipelineError

#: Layers with a ``kernel`` of many weights. Depthwise convolutions are other classes.
KINDS = ("Conv1D", "Conv2D", "Conv3D", "Dense")


class Chosen(Protocol):
    """Options that choose layers."""

    @property
    def smallest_kernel(self) -> int: ...

    @property
    def skip(self) -> list[str]: ...


def choose(model: Any, options: Chosen, kinds: Collection[str] = KINDS) -> list[Any]:
    """The layers of these kinds, those of models within the model too, that options choose."""
    from pipeline.graphs.keras.layers import layers

    return [
        layer
        for layer in layers(model)
        if type(layer).__name__ in kinds
        and layer.name not in options.skip
        and layer.kernel.shape.num_elements() >= options.smallest_kernel
    ]


def require(model: Any, options: Chosen, technique: str, kinds: Collection[str] = KINDS) -> Any:
    """What ``choose`` finds.

    Raises:
        ConfigError: ``skip`` names a layer that the model has not.
        PipelineError: there is no such layer.
    """
    from pipeline.graphs.keras.layers import layers

    unknown = sorted(set(options.skip) - {layer.name for layer in layers(model)})
    if unknown:
        raise ConfigError(f"the model has no layer {', '.join(unknown)}", where=f"{technique}.skip")
    kernels = choose(model, options, kinds)
    if not kernels:
        raise PipelineError(
            f"the model has no convolution or dense layer of {options.smallest_kernel} weights "
            f"or more to {technique}",
            where=technique,
            todo=f"lower {technique}.smallest_kernel, or leave {technique} out",
        )
    return kernels


def wrap_layers(model: Any, layers: Iterable[Any], wrap: Callable[[Any], Any]) -> Any:
    """The same layers, sharing their weights, with ``wrap`` around the chosen ones."""
    import tf_keras

    around = {id(layer) for layer in layers}

    def wrap_one(layer: Any) -> Any:
        if isinstance(layer, tf_keras.Model):
            return tf_keras.models.clone_model(layer, clone_function=wrap_one)
        return wrap(layer) if id(layer) in around else layer

    return wrap_one(model)
