"""Runs ONNX artifacts in native onnxruntime on an NVIDIA GPU."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import ClassVar

from pipeline.backends.gpu import host_gpu
from pipeline.backends.native.backend import NativeBackend
from pipeline.backends.native.onnxruntime_session import FORMATS, OnnxruntimeSession
from pipeline.backends.session import Hardware, Session
from pipeline.base import tools


class CudaSession(OnnxruntimeSession):
    """An ONNX artifact in onnxruntime on a GPU; outputs come back to the CPU."""

    provider: ClassVar[str] = "CUDAExecutionProvider"

    @property
    def hardware(self) -> Hardware:
        return Hardware("gpu", _gpu_name(), self._details())


class OnnxruntimeCuda(NativeBackend):
    """Its fingerprint is the GPU's driver. External data is read from beside the entry."""

    def unavailable(self, engine: str | None = None) -> str | None:
        if host_gpu() != "nvidia":
            return "this machine has no NVIDIA GPU"
        if tools.version("onnxruntime-gpu") is None:
            return "onnxruntime-gpu is not installed, which takes onnxruntime's place"
        return None

    def fingerprint(self, engine: str | None) -> str | None:
        return host_gpu()

    def open_session(
        self,
        artifact: Path,
        engine: str | None = None,
        runtime: Path | None = None,
        threads: int | None = None,
    ) -> Session:
        import onnxruntime

        # CUDA's libraries lie among the installed packages, where the loader does not look.
        onnxruntime.preload_dlls()
        return super().open_session(artifact)


#: In a process of its own: the others hide the GPU from TensorFlow.
BACKEND = OnnxruntimeCuda(
    name="onnxruntime-cuda",
    formats=FORMATS,
    lane="cuda",
    tools=("onnxruntime-gpu", "numpy"),
    module="onnxruntime",
    session=CudaSession,
)


def _gpu_name() -> str:
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader", "--id=0"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    return asked.stdout.strip() or "NVIDIA GPU"
