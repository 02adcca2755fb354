"""Imports TF.js' graph converter, and nothing that it does not use.

``import tensorflowjs`` imports all its converters with all their frameworks:
JAX, TensorFlow Decision Forests, TensorFlow Hub, Keras. The first two are not
installed (docs/decisions/0001-environment-without-unused-frameworks.md), and the others take
seconds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from pipeline.base.errors import MissingToolError
from pipeline.environment import advice

CONVERTER = "tensorflowjs.converters.tf_saved_model_conversion_v2"

#: The converter imports these at its top; only what it does not do here needs them: models of
#: decision forests, and modules of TensorFlow Hub.
UNUSED = ("tensorflow_decision_forests", "tensorflow_hub")


def import_converter() -> ModuleType:
    """The module ``tensorflowjs.converters.tf_saved_model_conversion_v2``.

    Raises:
        MissingToolError: tensorflowjs is not installed.
    """
    if CONVERTER not in sys.modules:
        with _standins():
            import_module(CONVERTER)
    return sys.modules[CONVERTER]


@contextmanager
def _standins() -> Iterator[None]:
    """Packages that know where their modules lie but run no ``__init__``, while importing."""
    spec = find_spec("tensorflowjs")
    if spec is None or not spec.submodule_search_locations:
        raise MissingToolError("tensorflowjs is not installed", todo=f"run: {advice()}")
    root = Path(next(iter(spec.submodule_search_locations)))
    standins = {name: ModuleType(name) for name in UNUSED}
    for name, folder in (("tensorflowjs", root), ("tensorflowjs.converters", root / "converters")):
        standins[name] = ModuleType(name)
        standins[name].__path__ = [str(folder)]
    before = {name: sys.modules.get(name) for name in standins}
    sys.modules.update(standins)
    try:
        yield
    finally:
        # Nobody else in this process is to find them.
        for name, module in before.items():
            sys.modules.pop(name)
            if module is not None:
                sys.modules[name] = module
