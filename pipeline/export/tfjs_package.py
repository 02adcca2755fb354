"""The step that both TF.js formats share: re-encode weights, shard them, name files by digest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from pipeline import options
from pipeline.export import origins
from pipeline.export.artifact import ArtifactWriter
from pipeline.export.sharding import Tensor, is_kernel, shards
from pipeline.model import Signature
from pipeline.registry import discover
from pipeline.step import Inputs, step

if TYPE_CHECKING:
    from pipeline.optimize.codec import Encoded


class PackageOptions(options.Options):
    """What becomes of one converted model."""

    format: str
    variant: str
    shard_bytes: int
    codec: str | None = None
    """The weight technique, such as uint8; float32 as converted without one."""
    codec_options: dict[str, Any] = Field(default_factory=dict)
    """Keyword arguments of its ``encode``."""


@step(version=3, quick=True)
def package(inputs: Inputs, options: PackageOptions, work: Path) -> None:
    """CONVERTED (``model.json``, ``weights.bin``) -> ARTIFACT, with the model's origins."""
    model = json.loads((inputs["model"] / "model.json").read_text())
    signature = Signature.read(inputs["model"] / "signature.json")
    writer = ArtifactWriter(work, options.format, options.variant, signature)
    (group,) = model["weightsManifest"]
    raw = memoryview((inputs["model"] / "weights.bin").read_bytes())
    encoded, start = [], 0
    for weight in group["weights"]:
        end = start + byte_length(weight, raw[start:])
        encoded.append(_encode(weight, raw[start:end], options))
        start = end
    files = _files(group["weights"], encoded, options.shard_bytes)
    group["paths"] = [writer.add_file(file, "bin") for file in files]
    content = json.dumps(model, separators=(",", ":")).encode()
    writer.finish(writer.add_file(content, "json"))
    if known := origins.read(inputs["model"]):
        origins.write(work, known)


def _files(
    weights: Sequence[dict[str, Any]], encoded: Sequence[bytes], shard_bytes: int
) -> Iterator[bytes]:
    """The weight files; joined, they are the weights. One larger than a file is itself cut."""
    tensors = [
        Tensor(
            weight["name"], len(data), weight["dtype"] == "float32" and is_kernel(weight["shape"])
        )
        for weight, data in zip(weights, encoded, strict=True)
    ]
    for shard in shards(tensors, shard_bytes):
        content = b"".join(encoded[index] for index in shard)
        for start in range(0, len(content), shard_bytes):
            yield content[start : start + shard_bytes]


def byte_length(weight: dict[str, Any], rest: memoryview) -> int:
    """The size of a tensor's bytes; strings carry their own lengths."""
    count = 1
    for size in weight["shape"]:
        count *= size
    if weight["dtype"] != "string":
        return count * {"float32": 4, "int32": 4, "bool": 1, "complex64": 8}[weight["dtype"]]
    end = 0
    for _ in range(count):
        end += 4 + int.from_bytes(rest[end : end + 4], "little")
    return end


def _encode(weight: dict[str, Any], raw: memoryview, options: PackageOptions) -> bytes:
    """Re-encode one tensor, and say how in its manifest entry."""
    import numpy as np

    if options.codec is None or not _worth_encoding(weight):
        return bytes(raw)
    values = np.frombuffer(raw, dtype="<f4").reshape(weight["shape"])
    codec = discover("optimize", "encode")[options.codec]
    encoded = codec.encode(values, None, **options.codec_options)
    data, weight["quantization"] = _quantized(encoded)
    return data


def _worth_encoding(weight: dict[str, Any]) -> bool:
    # Biases and per-channel factors are a few bytes, and rounding them on one
    # grid with the format's single scale per tensor costs the most accuracy.
    wide = [size for size in weight["shape"] if size > 1]
    return weight["dtype"] == "float32" and len(wide) >= 2


def _quantized(encoded: Encoded) -> tuple[bytes, dict[str, Any]]:
    """TF.js computes ``value = data * scale + min``, or widens float16."""
    data = encoded.data.astype(encoded.data.dtype.newbyteorder("<"), copy=False).tobytes()
    entry: dict[str, Any] = {"dtype": encoded.data.dtype.name, "original_dtype": "float32"}
    if encoded.scale is not None and encoded.zero is not None:
        scale = float(encoded.scale)
        entry |= {"min": -float(encoded.zero) * scale, "scale": scale}
    return data, entry
