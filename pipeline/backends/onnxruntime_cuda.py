"""Runs ONNX artifacts in native onnxruntime on an NVIDIA GPU."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import ClassVar

from pipeline.backends.gpu import host_gpu
from pipeline.backends.native import onnxruntime_session
from pipeline.backends.native.onnxruntime_session import OnnxruntimeSession
from pipeline.backends.session import Hardware, Session
from pipeline.base import tools

NAME = "onnxruntime-cuda"
FORMATS = onnxruntime_session.FORMATS
#: A process of its own: the others hide the GPU from TensorFlow.
LANE = "cuda"
TOOLS = ("onnxruntime-gpu", "numpy")


def unavailable(engine: None = None) -> str | None:
    """Why this backend cannot run here."""
    if host_gpu() != "nvidia":
        return "this machine has no NVIDIA GPU"
    if tools.version("onnxruntime-gpu") is None:
        return "onnxruntime-gpu is not installed, which takes onnxruntime's place"
    return None


def fingerprint(engine: None = None) -> str | None:
    """The GPU's driver."""
    return host_gpu()


def open_session(artifact: Path, engine: None = None) -> Session:
    """Open an artifact folder; external data is read from beside the entry."""
    import onnxruntime

    # CUDA's libraries lie among the installed packages, where the loader does not look.
    onnxruntime.preload_dlls()
    return CudaSession(artifact)


class CudaSession(OnnxruntimeSession):
    """An ONNX artifact in onnxruntime on a GPU; outputs come back to the CPU."""

    provider: ClassVar[str] = "CUDAExecutionProvider"

    @property
    def hardware(self) -> Hardware:
        return Hardware("gpu", _gpu_name(), self._details())


def _gpu_name() -> str:
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader", "--id=0"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    return asked.stdout.strip() or "NVIDIA GPU"
