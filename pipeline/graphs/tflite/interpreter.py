"""TensorFlow's own interpreter of TFLite files, which says what a file gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.base.errors import RunError
from pipeline.base.reasons import reason_of
from pipeline.graphs.tflite.model import Model, Operator
from pipeline.graphs.tflite.stored import is_rounded
from pipeline.tensors.arrays import Array, Arrays, np


def is_exact(model: Model, nodes: Sequence[Operator]) -> bool:
    """Does the interpreter compute these nodes in float32?

    Where it reads int8 weights, and in models of integers, it rounds activations too. What rounds
    nothing is nearer to the model that was trained; the two differ by a few of those steps.
    """
    read = {index for node in nodes for index in node.inputs if node.kind != "DEQUANTIZE"}
    return not any(is_rounded(model.tensors[index]) for index in read if index >= 0)


class Interpreter:
    """A file that runs when it is first asked to.

    Args:
        outputs: name -> tensor, which may be any that it computes.
    """

    def __init__(self, path: Path, model: Model, outputs: Mapping[str, int]) -> None:
        self._path, self._model, self._outputs = path, model, outputs
        self._interpreter: Any = None

    def run(self, arrays: Arrays) -> Mapping[str, Array]:
        """A batch of inputs -> outputs, by the model's names; one by one where it takes no batch.

        Raises:
            RunError: it does not run.
        """
        try:
            return self._run(arrays)
        except (RuntimeError, ValueError) as error:
            count = len(next(iter(arrays.values())))
            if count == 1:
                raise RunError(f"TFLite's interpreter fails ({reason_of(error)})") from error
        parts = [self.run({n: x[i : i + 1] for n, x in arrays.items()}) for i in range(count)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _run(self, arrays: Arrays) -> Mapping[str, Array]:
        interpreter, inputs = self._opened(), self._model.inputs
        for name, array in arrays.items():
            interpreter.resize_tensor_input(inputs[name], array.shape, strict=True)
        interpreter.allocate_tensors()
        for name, array in arrays.items():
            interpreter.set_tensor(inputs[name], array)
        interpreter.invoke()
        return {name: interpreter.get_tensor(index) for name, index in self._outputs.items()}

    def _opened(self) -> Any:
        import tensorflow as tf

        if self._interpreter is None:
            # What is no output is kept only if asked for, and then XNNPACK is not used.
            within = set(self._outputs.values()) - set(self._model.outputs.values())
            self._interpreter = tf.lite.Interpreter(
                str(self._path), experimental_preserve_all_tensors=bool(within)
            )
        return self._interpreter
