"""The step that both TF.js formats share: re-encode weights, shard them, name files by digest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from pipeline.artifacts.artifact import ArtifactWriter
from pipeline.artifacts.converted import ConvertedTfjs
from pipeline.artifacts.kept import KeptFolder
from pipeline.base.options import StrictOptions
from pipeline.engine.step import progress_bytes, step
from pipeline.export.tfjs_graph.stored import Stored
from pipeline.graphs import origins
from pipeline.weights.sharding import Tensor, is_kernel, shards


class PackageOptions(StrictOptions):
    """What becomes of one converted model."""

    format: str
    variant: str
    shard_bytes: int
    codec: str | None = None
    """The weight technique, such as uint8; float32 as converted without one."""
    codec_options: dict[str, Any] = Field(default_factory=dict)
    """Keyword arguments of its ``encode``."""


@step(version=9, quick=True)
def package(
    model: ConvertedTfjs, kept: KeptFolder | None, options: PackageOptions, work: Path
) -> None:
    """CONVERTED (``model.json``, ``weights.bin``) -> ARTIFACT, with the model's origins.

    Weights that ``kept`` names stay float32.
    """
    stored = Stored.read(model, options.codec_options)
    codec, stay = options.codec, kept.read() if kept else None
    weights = stored.encode(codec, options.codec_options, stay) if codec else None
    writer = ArtifactWriter(work, options.format, options.variant, model.signature)
    files = readable(_files(stored.specs, stored.contents, options.shard_bytes))
    paths = [*_written(files, writer, sum(map(len, stored.contents)))]
    content = json.dumps(stored.finish(paths), separators=(",", ":")).encode()
    writer.finish(writer.add_file(content, "json"), weights)
    if tensor_origins := origins.read(model.folder):
        origins.write(work, tensor_origins)


def _written(
    files: Iterable[bytes | memoryview], writer: ArtifactWriter, total: int
) -> Iterator[str]:
    done = 0
    for file in files:
        yield writer.add_file(file, "bin")
        done += len(file)
        progress_bytes(done, total, "written")


def _files(
    weights: Sequence[dict[str, Any]], encoded: Sequence[bytes | memoryview], shard_bytes: int
) -> Iterator[bytes | memoryview]:
    """The weight files; joined, they are the weights. One larger than a file is itself cut."""
    tensors = [
        Tensor(
            weight["name"], len(data), weight["dtype"] == "float32" and is_kernel(weight["shape"])
        )
        for weight, data in zip(weights, encoded, strict=True)
    ]
    for shard in shards(tensors, shard_bytes):
        content = encoded[shard[0]] if len(shard) == 1 else b"".join(encoded[i] for i in shard)
        for start in range(0, len(content), shard_bytes):
            yield content[start : start + shard_bytes]


def readable(files: Iterable[bytes | memoryview]) -> Iterator[bytes | memoryview]:
    """The same bytes in files that TF.js reads rightly: the last one is cut where it would not.

    TF.js 4.22 takes files for as long as the first one if all but the last are. Of a last one that
    is longer it then reads tensors that begin behind that length as zeros, without an error
    (``CompositeArrayBuffer.findShardForByte`` in tfjs-core/src/io/composite_array_buffer.ts).
    """
    lengths: set[int] = set()
    last: bytes | memoryview = b""
    for file in files:
        if last:
            lengths.add(len(last))
            yield last
        last = file
    if len(lengths) == 1 and len(last) > max(lengths):
        cut = len(last) // 2
        cut += cut in lengths
        yield last[:cut]
        last = last[cut:]
    if last:
        yield last
