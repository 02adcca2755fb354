"""Whole numbers on TF.js' WebGPU, where one shader that does not compile takes others with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from frozen_models import freeze, run, tfjs_artifact

from pipeline.backends.web.backends import BACKENDS
from pipeline.backends.web.session import close, running
from pipeline.base.errors import RunError
from pipeline.tensors.signature import TensorSpec

#: More than TF.js computes on the CPU in place of the GPU.
SHAPE = (None, 20, 24)
BLOCKS = (4, 20, 20, 1)


def model(x: Any) -> dict[str, Any]:
    """Numbers of 0 to 7, and what is made of them along axes that are not the last."""
    import tensorflow as tf

    rows = x[:, :, 0]
    return {
        "hot": tf.one_hot(rows, 8),
        "any_hot": tf.reduce_max(tf.one_hot(rows, 8), 1),
        "occurs": tf.math.bincount(
            rows, minlength=8, maxlength=8, axis=-1, binary_output=True, dtype=tf.float32
        ),
        "counts": tf.math.bincount(rows, minlength=6, maxlength=6, axis=-1),
        "weighed": tf.math.bincount(rows, tf.cast(x[:, :, 1], tf.float32), 9, 9, axis=-1),
        "sums": tf.reduce_sum(x, 1),
        "average": tf.reduce_mean(tf.cast(x, tf.float32), [1], keepdims=True),
        "every": tf.reduce_all(x < 7, 1),
        "some": tf.reduce_any(x > 6, [1, 2]),
        "largest": tf.argmax(x, 1),
        "moved": tf.transpose(tf.cast(x, tf.float32), [0, 2, 1]) * 0.5,
        "moved_whole": tf.transpose(x, [0, 2, 1]),
        "summed": tf.cumsum(x, 1),
        "first_axis": tf.transpose(tf.cumsum(tf.cast(tf.transpose(rows), tf.float32) / 2, 0)),
        "from_end": tf.cumsum(x, 2, reverse=True),
        "from_end_of_fewer": tf.cumsum(x[:, :, :5], 2, reverse=True, exclusive=True),
    }


@pytest.mark.browser
def test_whole_numbers_are_right_whatever_is_computed_of_them(tmp_path: Path) -> None:
    frozen = freeze(model, [TensorSpec("x", "int32", SHAPE)], tmp_path / "frozen")
    _, artifact = tfjs_artifact(frozen, tmp_path)
    x = np.random.default_rng(0).integers(0, 8, (3, *SHAPE[1:])).astype(np.int32)
    wanted = run(frozen, {"x": x})
    for backend in ("tfjs-wasm", "tfjs-webgpu"):
        with BACKENDS[backend].open_session(artifact, "chromium") as session:
            outputs = session.infer({"x": x})
        for name, values in wanted.items():
            np.testing.assert_allclose(outputs[name], values, 1e-6, err_msg=f"{name}, {backend}")


@pytest.mark.browser
def test_what_webgpu_refuses_is_an_error_and_no_zeros(tmp_path: Path) -> None:
    """Blocks of integers are moved by the shader that does not compile, and nothing rewrites it."""
    with opened(blocks, tmp_path) as session:
        for _ in range(2):
            with pytest.raises(RunError, match="WebGPU refused a part of the work, and left zeros"):
                session.infer({"x": np.ones(BLOCKS, np.int32)})


@pytest.mark.browser
def test_a_software_device_that_breaks_says_nothing_of_the_model(tmp_path: Path) -> None:
    with opened(lambda x: {"y": x + 1}, tmp_path) as session:
        session.infer({"x": np.ones(BLOCKS, np.int32)})
        end_gpu_process()
        with pytest.raises(RunError, match="the WebGPU device was lost") as error:
            session.infer({"x": np.ones(BLOCKS, np.int32)})
        software = session.hardware.kind == "software"
    close("chromium")
    assert error.value.unknown == software


def blocks(x: Any) -> dict[str, Any]:
    import tensorflow as tf

    return {"y": tf.batch_to_space(x, [2, 2], [[0, 0], [0, 0]])}


def opened(function: Any, folder: Path) -> Any:
    frozen = freeze(function, [TensorSpec("x", "int32", BLOCKS)], folder / "frozen")
    _, artifact = tfjs_artifact(frozen, folder)
    return BACKENDS["tfjs-webgpu"].open_session(artifact, "chromium")


def end_gpu_process() -> None:
    """Of this process' Chromium, as a driver's crash does."""
    browser = psutil.Process(running("chromium").browser.pid)
    for process in browser.children(recursive=True):
        if "--type=gpu-process" in process.cmdline():
            process.kill()
            process.wait(10)
