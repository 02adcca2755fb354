"""Imports TF.js' converter where the frameworks it never uses here are not installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

# ``tensorflowjs.converters`` imports both at its top, needed or not:
#   tensorflow_decision_forests              registers the ops of decision forests;
#   tensorflowjs.converters.jax_conversion   imports JAX to convert its models.
# Neither is installed (CONTRIBUTING.md, decision 1), so each name gets an empty
# module while the converter is imported, and loses it right after: nothing else
# in this process is told that they exist. Where one is installed, it is used.
_STANDINS = {
    # what the converter imports: (the distribution's module, names it takes from it)
    "tensorflow_decision_forests": ("tensorflow_decision_forests", ()),
    "tensorflowjs.converters.jax_conversion": ("jax", ("convert_jax",)),
}


def import_converter() -> ModuleType:
    """The module ``tensorflowjs.converters``, with all its submodules imported."""
    if "tensorflowjs.converters" not in sys.modules:
        with _standins():
            import_module("tensorflowjs.converters")
    return sys.modules["tensorflowjs.converters"]


@contextmanager
def _standins() -> Iterator[None]:
    missing = [name for name, (needs, _) in _STANDINS.items() if find_spec(needs) is None]
    for name in missing:
        module = ModuleType(name)
        for wanted in _STANDINS[name][1]:
            setattr(module, wanted, None)
        sys.modules[name] = module
    try:
        yield
    finally:
        for name in missing:
            sys.modules.pop(name, None)
