from __future__ import annotations

import json
from pathlib import Path

import brotli
import numpy as np

from pipeline.export.artifact import ArtifactWriter
from pipeline.model import Signature
from pipeline.publish.compress import CompressOptions, compress


def test_sizes_are_those_of_the_compressed_files(tmp_path: Path) -> None:
    artifact, work = tmp_path / "artifact", tmp_path / "work"
    artifact.mkdir()
    work.mkdir()
    writer = ArtifactWriter(artifact, "onnx", "fp32", Signature((), ()))
    contents = [b'{"a": 1}' * 1000, np.random.default_rng(0).bytes(10_000)]
    names = [writer.add_file(content, "bin") for content in contents]
    writer.finish(names[0])

    compress({"artifact": artifact}, CompressOptions(), work)

    sizes = json.loads((work / "sizes.json").read_text())
    for name, content in zip(names, contents, strict=True):
        measured = sizes[f"files/{name}"]["br_bytes"]
        assert measured == len(brotli.compress(content, quality=11))
    assert sizes[f"files/{names[0]}"]["br_bytes"] < 100
    assert sizes[f"files/{names[1]}"]["br_bytes"] >= 10_000
