"""A model in tf_keras, as people make one for ``tensorflowjs_converter``: TF_USE_LEGACY_KERAS=1.

The converter reads files of tf_keras. Of a Keras 3 .h5 it makes a model.json of which TF.js' layers
say that an InputLayer has no shape (https://github.com/tensorflow/tfjs/issues/8328).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tests.conformance.case import Array, Case
from tests.conformance.outcome import Outcome, compared, first_line


def in_tf_keras(
    case: Case, model: Any, given: Sequence[Array], outputs: Sequence[Array]
) -> Any | Outcome:
    """The same model there, by its own code, else as the product takes it there; or why not.

    Args:
        model: of Keras 3, whose weights it gets.
        outputs: what that makes of ``given``.
    """
    from pipeline.sources.keras.to_tf_keras import convert

    reason = ""
    for make in (_by_its_code, lambda _, source: convert(source)):
        try:
            twin = make(case, model)
            if _answers(twin, given, outputs):
                return twin
        except Exception as error:
            reason = reason or first_line(error)
    return Outcome("refused", f"there is no such model in tf_keras: {reason or 'other answers'}")


def _by_its_code(case: Case, model: Any) -> Any:
    with _keras_is_tf_keras():
        twin = case.build()
    twin.set_weights(model.get_weights())
    return twin


@contextmanager
def _keras_is_tf_keras() -> Iterator[None]:
    import keras
    import tf_keras

    sys.modules["keras"] = tf_keras
    try:
        yield
    finally:
        sys.modules["keras"] = keras


def _answers(twin: Any, given: Sequence[Array], outputs: Sequence[Array]) -> bool:
    """Whether it computes the same, so that its weights are in their places."""
    import tensorflow as tf

    rows = twin.inputs[0].shape[0] or len(given[0])
    tensors = [array[:rows] for array in given]
    made = tf.nest.flatten(twin(tensors if len(tensors) > 1 else tensors[0], training=False))
    found = {str(i): np.asarray(one) for i, one in enumerate(made)}
    wanted = {str(i): array[:rows] for i, array in enumerate(outputs)}
    return found.keys() == wanted.keys() and compared(found, wanted).state == "ok"
