from __future__ import annotations

import gzip
import json
import time
from pathlib import Path

import brotli
import numpy as np
import pytest

from pipeline.artifacts.artifact import ArtifactWriter
from pipeline.engine import step
from pipeline.publish.delivery.compress import (
    CompressOptions,
    compress,
    quality_of,
    total,
    write_twins,
)
from pipeline.tensors.signature import Signature


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
    assert brotli.decompress(packed[".br"]) == gzip.decompress(packed[".gz"]) == contents[0]
    assert packed[".gz"][4:8] == b"\0\0\0\0", "no time of its making"
    assert sizes[text]["br_bytes"] < 100


def test_a_total_counts_a_file_as_it_is_where_its_twin_is_no_use() -> None:
    files = [{"bytes": 100, "br_bytes": 10}, {"bytes": 7, "br_bytes": None}]
    assert total(files, "br_bytes") == 17


def text(count: int) -> bytes:
    """So many bytes in which there is something to be found."""
    words = np.random.default_rng(0).integers(0, 2000, count // 4)
    return b" ".join(b"%d" % word for word in words)[:count]


def test_small_files_are_compressed_as_well_as_can_be(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(text(60_000))
    write_twins({"text": tmp_path / "text"}, tmp_path)
    quick = (tmp_path / "text.br").read_bytes()
    write_twins({"text": tmp_path / "text"}, tmp_path, best=True)
    assert quick == (tmp_path / "text.br").read_bytes()
    assert len(quick) == len(brotli.compress(text(60_000), quality=11))


def test_large_files_take_seconds_or_are_compressed_best(tmp_path: Path) -> None:
    content = text(400_000) * 21
    (tmp_path / "text").write_bytes(content)
    before = time.process_time()
    made = write_twins({"text": tmp_path / "text"}, tmp_path)
    assert time.process_time() - before < 3
    assert brotli.decompress((tmp_path / "text.br").read_bytes()) == content
    assert gzip.decompress((tmp_path / "text.gz").read_bytes()) == content
    assert made["text"]["br_bytes"] == (tmp_path / "text.br").stat().st_size
    # A minute's work: how hard it would try is enough.
    assert [quality_of(len(content), best=best) for best in (False, True)] == [5, 11]
    assert quality_of(2**20) == 10


def test_it_says_how_far_it_is(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(text(400_000))
    said: list[tuple[float, str]] = []
    step.on_progress(lambda fraction, note: said.append((fraction, note)))
    try:
        write_twins({"text": tmp_path / "text"}, tmp_path)
    finally:
        step.on_progress(lambda fraction, note: None)
    assert said[0] == (pytest.approx(0.65536), "0.3 of 0.4 MB")
    assert said[-1] == (1.0, "0.4 of 0.4 MB")
