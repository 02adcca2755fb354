"""The same network with fewer channels. Not a technique itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipeline.tensors.arrays import Array, np

if TYPE_CHECKING:
    from pipeline.graphs.keras.channel_groups import Groups, Layout

#: Class of layer -> the option that says how many channels it makes.
_WIDTHS = {"Conv2D": "filters", "Dense": "units"}


def remove_channels(model: Any, groups: Groups, stay: Mapping[int, Array]) -> Any:
    """A new ``tf_keras.Model`` with only some channels, and their weights.

    Args:
        model: functional or sequential.
        groups: its channels.
        stay: root of a group -> which of its channels stay, bool [channels]; all of those that
            it does not name.
    """

    def mask(layout: Layout) -> Array:
        spaces = ((groups.root(space), groups.sizes[space]) for space in layout)
        return np.concatenate([stay.get(root, np.ones(size, bool)) for root, size in spaces])

    config = model.get_config()
    for entry in config["layers"]:
        _resize(entry, groups, mask)
    smaller = type(model).from_config(config)
    for old, new in zip(model.layers, smaller.layers, strict=True):
        new.set_weights([_cut_weight(values, old, groups, mask) for values in old.get_weights()])
    return smaller


def _resize(entry: dict[str, Any], groups: Groups, mask: Any) -> None:
    """Write new sizes into a layer's config."""
    config, kind = entry["config"], entry["class_name"]
    name = config["name"]
    if name in groups.makers and kind in _WIDTHS:
        config[_WIDTHS[kind]] = int(mask((groups.makers[name],)).sum())
    if name in groups.shapes and "target_shape" in config:
        *others, _ = config["target_shape"]
        config["target_shape"] = (*others, int(mask(groups.shapes[name]).sum()))


def _cut_weight(values: Array, layer: Any, groups: Groups, mask: Any) -> Array:
    """One of a layer's weights: a kernel, […, in, out] or of a depthwise convolution
    [h, w, channels, 1], or one value for each channel."""
    if layer.name in groups.carriers:
        stays = mask(groups.carriers[layer.name])
        return values[stays] if values.ndim == 1 else values[:, :, stays]
    if layer.name in groups.makers:
        stays = mask((groups.makers[layer.name],))
        read = values if values.ndim == 1 else values[..., mask(groups.readers[layer.name]), :]
        return read[..., stays]
    return values
