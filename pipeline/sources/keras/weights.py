"""Loads an .h5 weight file into a model, and says where the two do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, takewhile, zip_longest
from pathlib import Path
from typing import Any

from pipeline.base.errors import SourceError
from pipeline.sources.keras.h5_safety import check_h5

Layer = tuple[str, list[tuple[int, ...]]]
"""A layer's name and the shapes of its weights."""


def load_weights(model: Any, path: Path, name: str) -> None:
    """Load what ``save_weights("x.h5")`` or ``save("x.h5")`` wrote, layer by layer in order.

    Args:
        model: a built ``tf_keras.Model``; only its weights change.
        path: an .h5 file from anywhere.
        name: what to call the model in errors.

    Raises:
        SourceError: the file is unsafe or corrupt, or is of another model.
    """
    check_h5(path)
    try:
        model.load_weights(str(path))
    except (ValueError, KeyError, TypeError, OSError) as error:
        why = first_mismatch(model, path) or str(error).splitlines()[0]
        raise SourceError(
            f"these weights do not fit {name}: {why}",
            where=str(path),
            todo="check name, alpha, input_size and weights of source.keras_application",
        ) from error


def randomize(model: Any) -> None:
    """Give a model weights under which activations neither vanish nor explode, always the same.

    Kernels are normal with a variance of 2 / fan-in (He et al. 2015, arXiv:1502.01852); what
    scales and shifts is near 1 and 0.
    """
    from pipeline.tensors.arrays import np

    random = np.random.default_rng(0)

    def value(name: str, shape: tuple[int, ...]) -> Any:
        last = name.split(":", maxsplit=1)[0].rsplit("/", maxsplit=1)[-1]
        if len(shape) > 1:
            inputs = shape[:2] if "depthwise" in last else shape[:-1]
            return random.normal(0, np.sqrt(2 / np.prod(inputs)), shape)
        if "gamma" in last or "variance" in last:
            return np.exp(random.normal(0, 0.2, shape))
        return random.normal(0, 0.1, shape)

    model.set_weights([value(weight.name, tuple(weight.shape)) for weight in model.weights])


def first_mismatch(model: Any, path: Path) -> str | None:
    """The first layer in which the file differs from the model; None where all fit."""
    import h5py

    ours = [(layer.name, _shapes(layer)) for layer in model.layers if layer.weights]
    with h5py.File(path, "r") as file:
        theirs = list(_saved_layers(file))
    if not theirs:
        return "the file holds no layers as save_weights('x.h5') writes them"
    for our, their in zip_longest(ours, theirs):
        if our is None or their is None:
            return f"the file has {len(theirs)} layers with weights, the model {len(ours)}"
        if our[1] != their[1]:
            return _difference(our, their)
    return None


def _difference(our: Layer, their: Layer) -> str:
    for ours, theirs in zip_longest(our[1], their[1]):
        if ours != theirs:
            return (
                f"layer {our[0]!r} takes a weight of shape {ours}, "
                f"the file has {theirs} in {their[0]!r}"
            )
    return ""


def _shapes(layer: Any) -> list[tuple[int, ...]]:
    weights = [*layer.trainable_weights, *layer.non_trainable_weights]
    return [tuple(weight.shape) for weight in weights]


def _saved_layers(file: Any) -> Iterator[Layer]:
    root = file.get("model_weights", file)
    for layer in _names(root, "layer_names"):
        group = root.get(layer, {})
        names = _names(group, "weight_names") if group else []
        shapes = [tuple(getattr(group.get(name), "shape", ())) for name in names]
        if shapes:
            yield layer, shapes


def _names(group: Any, attribute: str) -> list[str]:
    """A list of names; Keras splits one that is too long for HDF5 over several attributes."""
    numbered = takewhile(group.attrs.__contains__, (f"{attribute}{n}" for n in count()))
    parts = [attribute] if attribute in group.attrs else numbered
    names = (name for part in parts for name in group.attrs[part])
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]
