from __future__ import annotations

import gzip
import json
from pathlib import Path

import brotli
import numpy as np

from pipeline.export.artifact import ArtifactWriter
from pipeline.model import Signature
from pipeline.publish.compress import CompressOptions, compress, total


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
    text, noise = (f"files/{name}" for name in names)
    assert sizes[noise] == {"br_bytes": None, "gz_bytes": None}, "a twin that saves nothing"
    assert {path.name for path in (work / "files").iterdir()} == {
        f"{names[0]}.br",
        f"{names[0]}.gz",
    }
    packed = {suffix: (work / f"{text}{suffix}").read_bytes() for suffix in (".br", ".gz")}
    assert sizes[text] == {"br_bytes": len(packed[".br"]), "gz_bytes": len(packed[".gz"])}
    assert packed[".br"] == brotli.compress(contents[0], quality=11)
    assert brotli.decompress(packed[".br"]) == gzip.decompress(packed[".gz"]) == contents[0]
    assert packed[".gz"][4:8] == b"\0\0\0\0", "no time of its making"
    assert sizes[text]["br_bytes"] < 100


def test_a_total_counts_a_file_as_it_is_where_its_twin_is_no_use() -> None:
    files = [{"bytes": 100, "br_bytes": 10}, {"bytes": 7, "br_bytes": None}]
    assert total(files, "br_bytes") == 17
