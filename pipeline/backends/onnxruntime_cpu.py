"""Runs ONNX artifacts in native onnxruntime on the CPU, external data from beside the entry."""

from __future__ import annotations

from pipeline.backends.native.backend import NativeBackend
from pipeline.backends.native.onnxruntime_session import FORMATS, OnnxruntimeSession

BACKEND = NativeBackend(
    name="onnxruntime-cpu",
    formats=FORMATS,
    lane="light",
    tools=("onnxruntime", "numpy"),
    module="onnxruntime",
    session=OnnxruntimeSession,
)
