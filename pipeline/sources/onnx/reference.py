"""onnxruntime as the runtime that says what is right of an ONNX model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.backends import failures
from pipeline.graphs.onnx.own import Part, cut
from pipeline.sources.contract import Reference
from pipeline.sources.onnx.files import read_model
from pipeline.tensors.arrays import Array

#: Of models in floats of 16 bits, where each step is rounded; artifacts compute in float32.
_NARROW_TOLERANCE = 3e-2


class Runtime:
    """The wanted part of a model's file in onnxruntime, which reads it when it is first asked."""

    def __init__(
        self, path: Path, part: Part, dimensions: Mapping[str, int | None] | None = None
    ) -> None:
        """
        Args:
            dimensions: sizes of free dimensions, by name.
        """
        self._path, self._part, self._dimensions = path, part, dimensions or {}
        self._opened: Any = None

    def reference(self, *, narrow: bool) -> Reference:
        """What makes the golden.

        Args:
            narrow: whether the model computes in floats of 16 bits.
        """
        import onnxruntime

        name = f"ONNX Runtime {onnxruntime.__version__} (cpu)"
        return Reference(name, self.run, _NARROW_TOLERANCE) if narrow else Reference(name, self.run)

    def run(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """A batch of inputs -> outputs, both by public name.

        Raises:
            RunError: onnxruntime does not run the model.
        """
        part = self._part
        feeds = {own: arrays[name] for name, own in part.inputs.items()} | dict(part.fixed)
        names = list(dict.fromkeys(part.outputs.values()))
        try:
            values = dict(zip(names, self.session.run(names, feeds), strict=True))
        except Exception as error:  # onnxruntime's errors have no common base of their own
            raise failures.of_runtime(f"onnxruntime does not run the source: {error}") from error
        return {name: values[own] for name, own in part.outputs.items()}

    @property
    def session(self) -> Any:
        """An ``onnxruntime.InferenceSession``; raises whatever that does."""
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    def _open(self) -> Any:
        """Not optimized: fused, weights that are scaled back are multiplied as integers."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.use_deterministic_compute = True
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        for name, size in self._dimensions.items():
            if size is not None:
                options.add_free_dimension_override_by_name(name, size)
        providers = ["CPUExecutionProvider"]
        model = read_model(self._path)
        if _is_whole(model, self._part):
            return onnxruntime.InferenceSession(self._path, options, providers=providers)
        cut(model, self._part)
        folder = "session.model_external_initializers_file_folder_path"
        options.add_session_config_entry(folder, str(self._path.parent))
        content = model.SerializeToString()
        return onnxruntime.InferenceSession(content, options, providers=providers)


def _is_whole(model: Any, part: Part) -> bool:
    held = {tensor.name for tensor in model.graph.initializer}
    inputs = {value.name for value in model.graph.input} - held
    outputs = {value.name for value in model.graph.output}
    return inputs == {*part.inputs.values(), *part.fixed} and outputs >= {*part.outputs.values()}
