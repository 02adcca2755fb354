"""Folds batch norms into the layer before them, in a Keras model.

The converters fold them anyway. Done here, what a technique puts on a grid are the very weights
that are published.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.tensors.arrays import Float64s, np

Vector = Float64s


#: Layers whose kernel takes a factor for each output channel, and that can have a bias.
LINEAR = frozenset({"Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "DepthwiseConv2D", "Dense"})

#: What ``get_config`` gives, and Keras' ``[layer, node, tensor]`` for a tensor between layers.
Config = dict[str, Any]
Place = list[Any]


@dataclass(frozen=True)
class Scaled:
    """A layer of ``LINEAR``, and what folding made of it."""

    before: Any
    """The layer in the model as it was."""
    after: Any
    """The same in the folded model: its kernel is that of ``before`` times ``scale``."""
    scale: Vector
    """[c], for each output channel; ones where no batch norm was folded."""
    norm: str | None
    """The name of the batch norm that was folded."""


def fold(model: Any) -> tuple[Any, list[Scaled]]:
    """The same function with fewer layers, as a model of its own, and what became of kernels.

    Folded is a batch norm over the last axis that alone reads the result of a convolution or
    dense layer without activation. Others stay. Where a norm gives an output of the model, which
    is named after it, a layer of its name that does nothing takes its place.

    Args:
        model: a built ``tf_keras.Model``, functional or sequential; it is left as it is.
    """
    config, norms = _without_norms(model, model.output_names)
    folded = type(model).from_config(config)
    return folded, list(_carry(model, folded, norms))


def linear_layers(model: Any) -> Iterator[Any]:
    """The layers of ``LINEAR``, those of models within the model too."""
    import tf_keras

    for layer in model.layers:
        if isinstance(layer, tf_keras.Model):
            yield from linear_layers(layer)
        elif type(layer).__name__ in LINEAR:
            yield layer


def kernel_of(layer: Any) -> Any:
    """The kernel, a ``tf.Variable``, of a layer of ``LINEAR``."""
    return getattr(layer, "depthwise_kernel" if "Depthwise" in type(layer).__name__ else "kernel")


def output_axes(layer: Any) -> tuple[int, ...]:
    """The axes of a layer's kernel that make up its output channels."""
    kind, rank = type(layer).__name__, len(kernel_of(layer).shape)
    if kind.startswith("Depthwise"):
        return rank - 2, rank - 1
    return (rank - 2,) if kind.endswith("Transpose") else (rank - 1,)


def along(layer: Any, values: Any) -> Any:
    """One value an output channel, [c], in a shape that multiplies the layer's kernel."""
    shape, axes = kernel_of(layer).shape, output_axes(layer)
    return values.reshape([shape[i] if i in axes else 1 for i in range(len(shape))])


def _without_norms(
    model: Any, outputs: Collection[str] = ()
) -> tuple[Config, dict[str, dict[str, str]]]:
    """The config without the norms to fold; and by model: norm -> the layer that takes it in.

    Names of ``outputs`` stay.
    """
    import tf_keras

    config = model.get_config()
    places = dict(_foldable(model, config["layers"], config.get("output_layers")))
    pairs = {norm: place[0] for norm, place in places.items()}
    all_pairs = {model.name: pairs}
    for entry in config["layers"]:
        name = entry["config"]["name"]
        inner = model.get_layer(name) if entry["class_name"] != "InputLayer" else None
        if isinstance(inner, tf_keras.Model):
            entry["config"], inner_pairs = _without_norms(inner)
            all_pairs |= inner_pairs
        elif name in pairs.values():
            entry["config"]["use_bias"] = True
    named = places.keys() & set(outputs)
    gone = {norm: place for norm, place in places.items() if norm not in named}
    config["layers"] = [
        _nothing(entry) if entry["config"]["name"] in named else entry
        for entry in config["layers"]
        if entry["config"]["name"] not in gone
    ]
    redirected: Config = _redirect(config, gone)
    return redirected, all_pairs


def _nothing(entry: Config) -> Config:
    """A layer that gives what it reads, under the name of another."""
    kept_config = {key: entry["config"][key] for key in ("name", "dtype")}
    return entry | {"class_name": "Activation", "config": kept_config | {"activation": "linear"}}


def _foldable(model: Any, entries: list[Config], outputs: Any) -> Iterator[tuple[str, Place]]:
    """Each norm to fold, and the tensor that it reads."""
    readers = Counter(place[0] for place in _places(outputs))
    for entry in entries:
        readers.update(place[0] for place in _places(entry.get("inbound_nodes")))
    by_name = {entry["config"]["name"]: entry for entry in entries}
    for before, entry in zip([None, *entries], entries, strict=False):
        if entry["class_name"] != "BatchNormalization":
            continue
        places = _read_by(entry, before)
        linear = by_name[places[0][0]] if len(places) == 1 else None
        if linear and readers[places[0][0]] <= 1 and _takes_norm(model, linear, entry):
            yield entry["config"]["name"], places[0]


def _read_by(entry: Config, before: Config | None) -> list[Place]:
    """What a layer reads; in a sequential model, the result of the layer before it."""
    if "inbound_nodes" in entry:
        return list(_places(entry["inbound_nodes"]))
    return [[before["config"]["name"], 0, 0]] if before else []


def _takes_norm(model: Any, linear: Config, norm: Config) -> bool:
    config = linear["config"]
    return (
        linear["class_name"] in LINEAR
        and config["activation"] == "linear"
        and config.get("data_format") in (None, "channels_last")
        and len(list(_places(linear.get("inbound_nodes")))) <= 1
        and list(norm["config"]["axis"]) == [len(model.get_layer(config["name"]).output.shape) - 1]
    )


def _is_place(value: Any) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) >= 3
        and isinstance(value[0], str)
        and all(isinstance(number, int) for number in value[1:3])
    )


def _places(value: Any) -> Iterator[Place]:
    """Every tensor that a part of a config names."""
    if _is_place(value):
        yield list(value[:3])
        yield from _places(value[3:])
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _places(item)
    elif isinstance(value, Mapping):
        yield from _places(list(value.values()))


def _redirect(value: Any, places: Mapping[str, Place]) -> Any:
    """The same part of a config, reading what norms read where it read the norms."""
    if _is_place(value):
        start = places.get(value[0], list(value[:3]))
        return [*start, *(_redirect(item, places) for item in value[3:])]
    if isinstance(value, (list, tuple)):
        return [_redirect(item, places) for item in value]
    if isinstance(value, Mapping):
        return {key: _redirect(item, places) for key, item in value.items()}
    return value


def _carry(model: Any, folded: Any, norms: Mapping[str, Mapping[str, str]]) -> Iterator[Scaled]:
    """Give the folded model its weights."""
    import tf_keras

    pairs = norms[model.name]
    norm_of = {linear: model.get_layer(norm) for norm, linear in pairs.items()}
    for layer in model.layers:
        if layer.name in pairs:
            continue
        after = folded.get_layer(layer.name)
        if isinstance(layer, tf_keras.Model):
            yield from _carry(layer, after, norms)
        elif type(layer).__name__ in LINEAR:
            yield _carry_linear(layer, after, norm_of.get(layer.name))
        else:
            after.set_weights(layer.get_weights())


def _carry_linear(layer: Any, after: Any, norm: Any) -> Scaled:
    if norm is None:
        after.set_weights(layer.get_weights())
        return Scaled(layer, after, np.ones(_channels(layer)), None)
    scale, offset = _affine(norm)
    bias = layer.bias.numpy() * scale if layer.use_bias else 0.0
    kernel = kernel_of(layer).numpy() * along(layer, scale)
    after.set_weights([kernel.astype(np.float32), (bias + offset).astype(np.float32)])
    return Scaled(layer, after, scale, norm.name)


def _channels(layer: Any) -> int:
    from math import prod

    return prod(kernel_of(layer).shape[i] for i in output_axes(layer))


def _affine(norm: Any) -> tuple[Vector, Vector]:
    """``(x - mean) / sqrt(variance + epsilon) * gamma + beta`` (Ioffe and Szegedy 2015,
    arXiv:1502.03167) as a factor and an offset for each channel."""
    mean, variance = (
        value.numpy().astype(np.float64) for value in (norm.moving_mean, norm.moving_variance)
    )
    gamma = norm.gamma.numpy() if norm.scale else np.ones(len(mean))
    beta = norm.beta.numpy() if norm.center else np.zeros(len(mean))
    scale = gamma / np.sqrt(variance + norm.epsilon)
    return scale, beta - mean * scale
