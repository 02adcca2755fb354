"""The imports that a process of steps begins with, in less time than they would take.

An import makes some hundred thousand objects that live as long as the process. Python's
collector would walk over all of them again and again, while importing and in every step
after it: a third of ``import tensorflow``, and a tenth of the steps.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module

#: Objects made before the collector looks at the young ones. Python's own 700 suits small programs.
YOUNG_OBJECTS = 20_000

#: What TensorFlow imports if it is there, and does without where it is not: Keras, so that its
#: optimizers are known. Steps that need it import it. Nothing else may be hidden: what is imported
#: meanwhile (tf_keras, where the environment asks for it) would do without that for ever.
DISPENSABLE = ("keras.src.optimizers",)


def light(tools: Collection[str] = ()) -> None:
    """What every step needs, and those of these distributions that are modules by their name."""
    with _uncollected():
        import pipeline.engine.call  # noqa: F401

        for module in ("numpy", *sorted(tools)):
            with suppress(ImportError):
                import_module(module)


def tensorflow() -> None:
    """TensorFlow, without what it can do without."""
    with _uncollected(), _without(DISPENSABLE):
        import tensorflow  # noqa: F401
    light()


@contextmanager
def _uncollected() -> Iterator[None]:
    """No collections meanwhile, and none of what was made meanwhile ever after."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
        gc.enable()


@contextmanager
def _without(modules: Collection[str]) -> Iterator[None]:
    """Imports of these modules fail meanwhile, but for those that are imported already."""
    hidden = {name: None for name in modules if name not in sys.modules}
    sys.modules.update(hidden)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
