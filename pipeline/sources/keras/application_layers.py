"""Layers of ``keras.applications`` that Keras has under no public name."""

from __future__ import annotations

from importlib import import_module
from typing import Any

#: Class -> the module of ``keras.src.applications`` that holds it, in both Kerases.
MODULES = {
    "LayerScale": "convnext",
    "StochasticDepth": "convnext",
    "CustomScaleLayer": "inception_resnet_v2",
}


def application_layers(library: str) -> dict[str, Any]:
    """Class name -> class, of ``keras`` or ``tf_keras``."""
    return {
        name: getattr(import_module(f"{library}.src.applications.{module}"), name)
        for name, module in MODULES.items()
    }
