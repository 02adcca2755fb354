"""The CUDA backend: it runs where it can, and elsewhere says what is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from pipeline.backends import onnxruntime_cuda
from pipeline.backends.gpu import host_gpu
from pipeline.backends.session import Unavailable

FIXTURES = Path(__file__).parent / "web" / "fixtures"
ARTIFACT = FIXTURES / "classifier_onnx" / "artifact"


def test_it_runs_on_a_gpu_or_says_why_not() -> None:
    reason = onnxruntime_cuda.BACKEND.unavailable()
    if reason:
        assert reason in (
            "this machine has no NVIDIA GPU",
            "onnxruntime-gpu is not installed, which takes onnxruntime's place",
        )
        return
    expected = load_file(FIXTURES / "classifier" / "outputs.safetensors")["probabilities"]
    with onnxruntime_cuda.BACKEND.open_session(ARTIFACT) as opened:
        outputs = opened.infer(load_file(FIXTURES / "classifier" / "inputs.safetensors"))
        assert opened.hardware.kind == "gpu"
        assert opened.hardware.details["provider"] == "CUDAExecutionProvider"
    np.testing.assert_allclose(outputs["probabilities"], expected, atol=1e-3)


def test_the_cpu_does_not_stand_in_for_it() -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has CUDA")
    message = "runs on CPUExecutionProvider where CUDAExecutionProvider was asked for"
    with pytest.raises(Unavailable, match=message):
        onnxruntime_cuda.CudaSession(ARTIFACT)


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({}, None),
        ({"dev/nvidia0": None}, "nvidia"),
        ({"sys/class/drm/renderD128/device/driver": "bus/pci/drivers/amdgpu"}, "amdgpu"),
        ({"sys/class/drm/renderD128/device/driver": "bus/pci/drivers/virtio-pci"}, None),
    ],
)
def test_only_a_real_driver_is_a_gpu(
    tmp_path: Path, files: dict[str, str | None], found: str | None
) -> None:
    for name, target in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if target is None:
            path.touch()
        else:
            (tmp_path / target).mkdir(parents=True)
            path.symlink_to(tmp_path / target)
    assert host_gpu(tmp_path) == found
