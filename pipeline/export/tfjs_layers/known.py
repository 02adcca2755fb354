"""What a model's file alone tells of layers that TF.js lacks, before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.base.errors import PipelineError
from pipeline.export.tfjs_layers.piece import Config, cannot
from pipeline.export.tfjs_layers.rewrites import REWRITES
from pipeline.export.tfjs_layers.terms import MODELS, ONLY, SAME, lacking
from pipeline.sources.keras.composed import COMPOSED_LAYERS

_LAYERS = "keras.layers"
#: Taken to tf_keras as the layer inside.
_UNWRAPPED = ("SpectralNormalization",)


def known_to_lack(entry: Mapping[str, Any]) -> PipelineError | None:
    """What ``layers_model`` would raise of a model, as far as its file alone tells.

    Args:
        entry: ``{"class_name", "config"}`` of a model or layer, as Keras 3 or tf_keras saves it.
    """
    kind, config = str(entry.get("class_name")), entry.get("config")
    if not isinstance(config, dict):
        return None
    inside = config.get("layers", [])
    for inner in (*(inside if isinstance(inside, list) else []), config.get("layer")):
        if isinstance(inner, dict) and (error := known_to_lack(inner)):
            return error
    # What Keras 3 computes between layers is told apart by its module.
    rewritten = kind in REWRITES or kind in COMPOSED_LAYERS or kind in _UNWRAPPED
    if kind in MODELS or rewritten or entry.get("module", _LAYERS) != _LAYERS:
        return None
    name = str(config.get("name"))
    return lacking(name, kind) if kind not in SAME else _known_to_differ(name, kind, config)


def _known_to_differ(layer: str, kind: str, config: Config) -> PipelineError | None:
    # Keras 3 writes both directions of a bidirectional layer, also where they are the same.
    for key, (allowed, why) in ONLY.get(kind, {}).items() if kind != "Bidirectional" else ():
        if key in config and config[key] not in allowed:
            return cannot(layer, kind, f"it has {key}={config[key]!r}, and {why}")
    return None
