"""The converter imports without decision forests and JAX, and pretends to nobody else."""

from __future__ import annotations

import sys

from pipeline.export.tfjs_guard import import_converter


def test_converter_imports_and_leaves_no_stand_in() -> None:
    converters = import_converter()
    assert converters.tf_saved_model_conversion_v2.optimize_graph
    assert converters is import_converter()
    for name in ("tensorflow_decision_forests", "tensorflowjs.converters.jax_conversion"):
        assert getattr(sys.modules.get(name), "__file__", None) or name not in sys.modules
