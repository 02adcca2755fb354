"""What the peers' tools make of a model, as artifacts that our backends run and time."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import brotli

from pipeline.artifacts.artifact import ArtifactFolder, ArtifactWriter
from pipeline.artifacts.frozen import Frozen
from pipeline.tensors.signature import Signature
from tests.benchmarks.peers import peers_environment

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[np.generic]]


HERE = Path(__file__).parent


def saved_model(file: Path, target: Path) -> Path:
    """A Keras file as a SavedModel."""
    words = [sys.executable, HERE / "saved_model.py", file, target]
    subprocess.run([*map(str, words)], check=True, capture_output=True)
    return target


def saved_frozen(frozen: Frozen, target: Path) -> Path:
    """A frozen graph as a SavedModel."""
    words = [sys.executable, "-m", "tests.benchmarks.frozen_model", frozen.folder, target]
    subprocess.run([*map(str, words)], check=True, capture_output=True)
    return target


def convert_tfjs(saved_model: Path, target: Path, *flags: str) -> None:
    """Run the converter as its users do: ``tensorflowjs_converter FLAGS saved_model target``."""
    _run(
        "tensorflowjs.converters.converter",
        "--input_format=tf_saved_model",
        *flags,
        saved_model,
        target,
    )


def tfjs(saved_model: Path, signature: Signature, work: Path, *flags: str) -> Path:
    """``tensorflowjs_converter FLAGS`` on a SavedModel; returns an artifact folder in ``work``."""
    work.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as made:
        convert_tfjs(saved_model, Path(made), *flags)
        writer = ArtifactWriter(work, "tfjs-graph", "peer", signature)
        model = Path(made, "model.json").read_text()
        for file in sorted(Path(made).glob("*.bin")):
            model = model.replace(file.name, writer.add_file(file.read_bytes(), "bin"))
    writer.finish(writer.add_file(model.encode(), "json"))
    return work


def onnx_int8(
    saved_model: Path, signature: Signature, work: Path, calibration: Arrays, opset: int = 17
) -> Path:
    """``tf2onnx``, then onnxruntime's static quantization."""
    with tempfile.TemporaryDirectory() as name:
        plain = Path(name, "plain.onnx")
        words = ("--saved-model", saved_model, "--opset", opset, "--output", plain)
        _run("tf2onnx.convert", *words)
        return _static_int8(plain, signature, work, calibration)


def onnx_int8_of(artifact: Path, signature: Signature, work: Path, calibration: Arrays) -> Path:
    """onnxruntime's static quantization of one of our artifacts in ONNX."""
    import onnx

    with tempfile.TemporaryDirectory() as name:
        # Files of the store are hard links, which onnx refuses, and the guide's first step takes a
        # model of one file.
        copy, plain = shutil.copytree(artifact, Path(name, "model")), Path(name, "plain.onnx")
        onnx.save(onnx.load(ArtifactFolder(copy).entry), plain)
        return _static_int8(plain, signature, work, calibration)


def _static_int8(plain: Path, signature: Signature, work: Path, calibration: Arrays) -> Path:
    """Per channel, as onnxruntime's guide says."""
    from onnxruntime.quantization import quantize_static, shape_inference

    work.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as name:
        ready, made = (Path(name, f"{stem}.onnx") for stem in ("ready", "made"))
        shape_inference.quant_pre_process(str(plain), str(ready), skip_symbolic_shape=True)
        quantize_static(str(ready), str(made), _Reader(calibration), per_channel=True)
        writer = ArtifactWriter(work, "onnx", "peer", signature)
        writer.finish(writer.add_file(made.read_bytes(), "onnx"))
    return work


class _Reader:
    """Calibration samples as onnxruntime asks for them: one at a time, then ``None``."""

    def __init__(self, samples: Arrays) -> None:
        count = len(next(iter(samples.values())))
        self._feeds: Iterator[dict[str, Any]] = (
            {name: values[i : i + 1] for name, values in samples.items()} for i in range(count)
        )

    def get_next(self) -> dict[str, Any] | None:
        return next(self._feeds, None)


def wire_bytes(artifact: Path) -> int:
    """Bytes of all of an artifact's files after brotli, at its best."""
    files = [artifact / path for path in ArtifactFolder(artifact).paths]
    return sum(len(brotli.compress(file.read_bytes(), quality=11)) for file in files)


def _run(module: str, *words: object) -> None:
    python = peers_environment() / "python"
    command = [str(word) for word in (python, "-m", module, *words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
