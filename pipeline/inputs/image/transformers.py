"""What transformers' image processors say, as options of ours.

Its names are those of https://huggingface.co/docs/transformers/main_classes/image_processor. Its
processors resize with Pillow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FACTS = "preprocessor_config.json"

#: Pillow's numbers of the filters that we have.
_FILTERS = {2: "bilinear-pillow", 3: "bicubic-pillow"}
#: One 255th, and what is taken for it.
_TO_ONE, _CLOSE = 1 / 255, 1e-6


def options_of(facts: Any) -> dict[str, Any]:
    """Of a ``preprocessor_config.json``; what it says in other ways is left out."""
    if not isinstance(facts, Mapping):
        return {}
    return {**_size(facts), **_numbers(facts)}


def _size(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The size, and how an image comes to it."""
    if not facts.get("do_resize", True):
        return {}
    size, filtered = facts.get("size"), _FILTERS.get(facts.get("resample", 2))
    resize = {"resize": filtered} if filtered else {}
    edge = size.get("shortest_edge") if isinstance(size, Mapping) else None
    if edge is None:
        sides = _sides(size)
        return {"size": sides, **resize} if sides else {}
    # ConvNeXt names the size that is cut out, and its share; others both sizes.
    crop = _sides(facts.get("crop_size")) if facts.get("do_center_crop") else None
    share = facts.get("crop_pct")
    if crop is None and share and _is_side(edge):
        crop, edge = [edge, edge], edge / share
    if crop is None or not isinstance(edge, int | float) or edge < max(crop):
        return {}
    ratio = round(max(crop) / edge, 4)
    return {"size": crop, "fit": "crop", **({} if ratio == 1 else {"ratio": ratio}), **resize}


def _sides(size: Any) -> list[int] | None:
    """Height and width."""
    named = isinstance(size, Mapping)
    sides = [size.get("height"), size.get("width")] if named else [size, size]
    return [int(side) for side in sides if side] if all(map(_is_side, sides)) else None


def _is_side(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 8192


def _numbers(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What pixel values become."""
    factor = facts.get("rescale_factor", _TO_ONE) if facts.get("do_rescale", True) else 1.0
    if factor == 1:
        scale = {"scale": [0, 255]}
    elif isinstance(factor, float) and abs(factor - _TO_ONE) < _CLOSE:
        scale = {"scale": [0, 1]}
    else:
        return {}
    if not facts.get("do_normalize", True):
        return scale
    mean, std = facts.get("image_mean"), facts.get("image_std")
    if not _are_channels(mean) or not _are_channels(std):
        return {}
    return {**scale, "mean": mean, "std": std}


def _are_channels(values: Any) -> bool:
    return (
        isinstance(values, list)
        and len(values) in (1, 3)
        and all(isinstance(value, int | float) for value in values)
    )
