"""ONNX artifacts in native onnxruntime, on one execution provider and on no other."""

from __future__ import annotations

from typing import Any, ClassVar

from pipeline.backends import failures
from pipeline.backends.cpu import cpu_name
from pipeline.backends.native.runtime import NativeSession
from pipeline.backends.session import Hardware, Unavailable
from pipeline.base.errors import PipelineError, RunError
from pipeline.tensors.arrays import Array, Arrays

FORMATS = ("onnx",)

_THREADS = 1
_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(bool)": "bool",
}


class OnnxruntimeSession(NativeSession):
    """An ONNX artifact in onnxruntime on the CPU."""

    provider: ClassVar[str] = "CPUExecutionProvider"

    @property
    def hardware(self) -> Hardware:
        return Hardware("cpu", cpu_name(), self._details())

    def _details(self) -> dict[str, Any]:
        import onnxruntime

        return {
            "engine": "onnxruntime",
            "engine_version": onnxruntime.__version__,
            "provider": self._session.get_providers()[0],
            "threads": _THREADS,
        }

    def _load(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.use_deterministic_compute = True
        # Threads that wait for work spin, and take the processor from the artifact that is timed
        # in turn: two equal ones were seen 15 % apart, with one thread each 0.4 %.
        options.intra_op_num_threads = _THREADS
        providers = [self.provider]
        try:
            session = onnxruntime.InferenceSession(self._entry, options, providers=providers)
        except Exception as error:  # onnxruntime's errors have no common base of their own
            raise self._refused(error) from error
        self._check(session)
        return session

    def _check(self, session: Any) -> None:
        ran = session.get_providers()[0]
        if ran != self.provider:
            # It goes on with the next one, and only logs why.
            raise Unavailable(f"onnxruntime runs on {ran} where {self.provider} was asked for")
        promised = [spec.name for spec in self._signature.outputs]
        actual = [output.name for output in session.get_outputs()]
        if sorted(actual) != sorted(promised):
            raise PipelineError(
                f"the model returns {actual}, the artifact promises {promised}",
                where=self._artifact.id,
            )

    def _batch(self, inputs: Arrays) -> dict[str, Array]:
        feeds = {
            node.name: inputs[node.name].astype(_DTYPES[node.type], copy=False)
            for node in self._session.get_inputs()
        }
        names = [spec.name for spec in self._signature.outputs]
        try:
            values = self._session.run(names, feeds)
        except Exception as error:  # as above
            raise self._refused(error) from error
        return dict(zip(names, values, strict=True))

    def _refused(self, error: Exception) -> RunError:
        refused = failures.of_runtime(f"onnxruntime does not run it: {error}")
        refused.where = self._artifact.id
        return refused
