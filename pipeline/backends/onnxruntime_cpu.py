"""Runs ONNX artifacts in native onnxruntime on the CPU."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Self

from pipeline.backends.batches import infer_in_batches
from pipeline.backends.cpu import cpu_name
from pipeline.backends.native import in_turn, process_memory, timed
from pipeline.backends.session import Hardware, Latency, Session
from pipeline.errors import PipelineError
from pipeline.export import artifact as artifacts

if TYPE_CHECKING:
    from types import TracebackType

    from pipeline.backends.session import Array, Arrays

NAME = "onnxruntime-cpu"
FORMATS = ("onnx",)
LANE = "light"
TOOLS = ("onnxruntime", "numpy")

_PROVIDER = "CPUExecutionProvider"
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


def unavailable(engine: None = None) -> str | None:
    """Why this backend cannot run here."""
    return None if find_spec("onnxruntime") else "onnxruntime is not installed"


def open_session(artifact: Path, engine: None = None) -> Session:
    """Open an artifact folder; external data is read from beside the entry."""
    return OnnxruntimeSession(artifact)


class OnnxruntimeSession:
    """An ONNX artifact in onnxruntime."""

    def __init__(self, artifact: Path) -> None:
        self._description = artifacts.read(artifact)
        self._entry = artifact / self._description["entry"]
        self._ran = False
        self._memory: dict[str, int | None] | None = None
        self._session, self.load_ms = self._load()
        self._outputs = self._checked_outputs()

    @property
    def hardware(self) -> Hardware:
        import onnxruntime

        details = {
            "engine": "onnxruntime",
            "engine_version": onnxruntime.__version__,
            "provider": self._session.get_providers()[0],
            "threads": _THREADS,
        }
        return Hardware("cpu", cpu_name(), details)

    def infer(self, inputs: Arrays) -> dict[str, Array]:
        return infer_in_batches(self._run, inputs, self._description["inputs"])

    @property
    def fetched_bytes(self) -> int | None:
        return None

    def memory(self) -> dict[str, int | None]:
        """Of this process: onnxruntime does not say what it holds itself."""
        return self._memory or process_memory()

    def latency(
        self,
        inputs: Arrays,
        *,
        reference: Path | None,
        warmups: int,
        repeats: int,
        seconds: float = 0.0,
    ) -> Latency:
        if self._ran:
            self._session, self.load_ms = self._load()
        first_ms = timed(partial(self._run, inputs))
        self._memory = process_memory()
        if reference is None:
            runs = [partial(self._run, inputs)]
            return Latency(first_ms, *in_turn(runs, warmups, repeats, seconds))
        with type(self)(reference) as other:
            runs = [partial(self._run, inputs), partial(other._run, inputs)]
            return Latency(first_ms, *in_turn(runs, warmups, repeats, seconds))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._session = None

    def _load(self) -> tuple[Any, float]:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.use_deterministic_compute = True
        # Threads that wait for work spin, and take the processor from the artifact that is timed
        # in turn: two equal ones were seen 15 % apart, with one thread each 0.4 %.
        options.intra_op_num_threads = _THREADS
        start = perf_counter()
        try:
            session = onnxruntime.InferenceSession(self._entry, options, providers=[_PROVIDER])
        except Exception as error:  # onnxruntime's errors have no common base of their own
            raise PipelineError(
                f"onnxruntime cannot load it: {error}", where=str(self._entry)
            ) from error
        return session, (perf_counter() - start) * 1000

    def _checked_outputs(self) -> list[str]:
        promised = [spec["name"] for spec in self._description["outputs"]]
        actual = [output.name for output in self._session.get_outputs()]
        if sorted(actual) != sorted(promised):
            raise PipelineError(
                f"the model returns {actual}, the artifact promises {promised}",
                where=str(self._entry),
            )
        return promised

    def _run(self, inputs: Arrays) -> dict[str, Array]:
        self._ran = True
        feeds = {
            node.name: inputs[node.name].astype(_DTYPES[node.type], copy=False)
            for node in self._session.get_inputs()
        }
        return dict(zip(self._outputs, self._session.run(self._outputs, feeds), strict=True))
