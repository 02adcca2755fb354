"""A release of an ONNX model that no TensorFlow graph is made of, and back again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx_networks as networks
import onnxruntime
import yaml
from commands import pipeline

from pipeline.base.options import NoOptions
from pipeline.sources import onnx
from pipeline.sources.own import read

CONFIG = {
    "name": "tagger",
    "license": "Apache-2.0",
    "task": "tensors",
    "source": {"onnx": "tagger.onnx"},
    "samples": {"random": {"count": 4, "sizes": {"tokens": [9]}}},
    "variants": {"fp32": {}, "uint8": {"quantize": "uint8"}},
    "export": {"onnx": {}, "tfjs-graph": {"variants": ["fp32"]}},
    "validate": {"backends": ["onnxruntime-cpu"]},
    "publish": {"to": "cdn", "compress": "quick"},
}


def own(path: Path, folder: Path) -> bytes:
    """The canonical graph of a model's file."""
    source = folder / "source"
    source.mkdir(parents=True)
    options = onnx.Options(path=path)
    onnx.pull(options.local_paths(), options, source)
    work = folder / "own"
    work.mkdir()
    read({"source": source}, NoOptions(), work)
    return (work / "model.onnx").read_bytes()


def test_there_and_back(tmp_path: Path) -> None:
    (tmp_path / "tagger.onnx").write_bytes(networks.tagger().SerializeToString())
    (tmp_path / "tagger.yaml").write_text(yaml.safe_dump(CONFIG))
    lost = pipeline("build", "tagger.yaml", "--store", "store", cwd=tmp_path, check=1).output
    assert "tfjs-graph/fp32 could not be made" in lost
    assert "com.microsoft.FastGelu at" in lost
    alone = {**CONFIG, "export": {"onnx": {}}}
    (tmp_path / "tagger.yaml").write_text(yaml.safe_dump(alone))
    pipeline("build", "tagger.yaml", "--store", "store", cwd=tmp_path)
    (path,) = tmp_path.glob("cdn/tagger/releases/*/manifest.json")
    manifest = json.loads(path.read_text())
    assert manifest["source"]["reference"].startswith("ONNX Runtime 1.")
    assert manifest["source"]["parameters"] == 13_256
    plain, small = manifest["artifacts"]
    assert (plain["id"], small["id"]) == ("onnx/fp32", "onnx/uint8")
    (proof,) = plain["validation"]
    assert proof["parity"]["max_abs_error"] == 0
    assert small["bytes"] < plain["bytes"] / 2
    published = path.parents[2] / plain["entry"]
    tokens = {"tokens": np.random.default_rng(0).integers(0, 40, (3, 9))}
    (wanted,), (found,) = (
        onnxruntime.InferenceSession(file).run(None, tokens)
        for file in (tmp_path / "tagger.onnx", published)
    )
    np.testing.assert_array_equal(found, wanted, strict=True)
    assert own(published, tmp_path / "back") == own(tmp_path / "tagger.onnx", tmp_path / "there")
    words = ("--backend", "onnxruntime-cpu", "--config", "tagger.yaml", "--store", "store")
    bisected = pipeline("bisect", "onnx/uint8", *words, cwd=tmp_path).output
    assert "within tolerance everywhere" in bisected
