"""Runs ONNX artifacts in native onnxruntime on the CPU."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from pipeline.backends.backend import Backend
from pipeline.backends.native.onnxruntime_session import FORMATS, OnnxruntimeSession
from pipeline.backends.session import Session


class OnnxruntimeCpu(Backend):
    """External data is read from beside the entry."""

    def unavailable(self, engine: str | None = None) -> str | None:
        return None if find_spec("onnxruntime") else "onnxruntime is not installed"

    def open_session(
        self,
        artifact: Path,
        engine: str | None = None,
        runtime: Path | None = None,
        threads: int | None = None,
    ) -> Session:
        return OnnxruntimeSession(artifact)


BACKEND = OnnxruntimeCpu(
    name="onnxruntime-cpu", formats=FORMATS, lane="light", tools=("onnxruntime", "numpy")
)
