"""The step that both TF.js formats share: re-encode weights, shard them, name files by digest."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from pipeline.artifacts.artifact import ArtifactWriter
from pipeline.artifacts.converted import ConvertedTfjs
from pipeline.base import options
from pipeline.engine.step import Inputs, progress_bytes, step
from pipeline.export.tfjs_graph.scales import scale_outputs
from pipeline.export.tfjs_graph.slim import share_constants, slim
from pipeline.graphs import origins
from pipeline.tensors.arrays import np
from pipeline.weights.sharding import Tensor, is_kernel, shards

if TYPE_CHECKING:
    from pipeline.weights.codec import Encoded


class PackageOptions(options.Options):
    """What becomes of one converted model."""

    format: str
    variant: str
    shard_bytes: int
    codec: str | None = None
    """The weight technique, such as uint8; float32 as converted without one."""
    codec_options: dict[str, Any] = Field(default_factory=dict)
    """Keyword arguments of its ``encode``."""


@step(version=7, quick=True)
def package(inputs: Inputs, options: PackageOptions, work: Path) -> None:
    """CONVERTED (``model.json``, ``weights.bin``) -> ARTIFACT, with the model's origins."""
    converted = ConvertedTfjs(inputs["model"])
    model = converted.model()
    writer = ArtifactWriter(work, options.format, options.variant, converted.signature)
    (group,) = model["weightsManifest"]
    contents = _contents(group["weights"], mapped(converted.weights_file))
    if model["format"] == "graph-model":
        share_constants(model, contents)
    if options.codec is not None:
        graph = model["format"] == "graph-model" and options.codec_options.get("keep")
        scales = scale_outputs(model, contents) if graph else set()
        biases = _biases(model["modelTopology"].get("node", ())) | scales
        _encode(group["weights"], contents, biases, options)
    files = readable(_files(group["weights"], contents, options.shard_bytes))
    group["paths"] = [*_written(files, writer, sum(map(len, contents)))]
    # Now, since layers' own names decide where shards end.
    if model["format"] == "graph-model":
        slim(model)
    content = json.dumps(model, separators=(",", ":")).encode()
    writer.finish(writer.add_file(content, "json"))
    if known := origins.read(inputs["model"]):
        origins.write(work, known)


def _written(
    files: Iterable[bytes | memoryview], writer: ArtifactWriter, total: int
) -> Iterator[str]:
    done = 0
    for file in files:
        yield writer.add_file(file, "bin")
        done += len(file)
        progress_bytes(done, total, "written")


def mapped(file: Path) -> memoryview:
    """The bytes of a file, read as they are needed."""
    # No file of no bytes can be mapped.
    return np.memmap(file, np.uint8, "r").data if file.stat().st_size else memoryview(b"")


def _contents(weights: Sequence[dict[str, Any]], view: memoryview) -> list[bytes | memoryview]:
    """The bytes of each weight."""
    contents: list[bytes | memoryview] = []
    start = 0
    for weight in weights:
        end = start + byte_length(weight, view[start:])
        contents.append(view[start:end])
        start = end
    return contents


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


#: Operator -> where it reads a bias.
BIAS_INPUTS = {
    "BiasAdd": 1,
    "_FusedConv2D": 2,
    "_FusedMatMul": 2,
    "FusedDepthwiseConv2dNative": 2,
}

#: A smaller bias gains less than what says how it is encoded.
BIAS_VALUES = 8


def _biases(nodes: Sequence[dict[str, Any]]) -> set[str]:
    """Names of the weights of a graph that are read as biases and as nothing else."""
    found: dict[str, bool] = {}
    for node in nodes:
        for position, name in enumerate(node.get("input", ())):
            bias = BIAS_INPUTS.get(node["op"]) == position
            found[name] = found.get(name, True) and bias
    return {name for name, bias in found.items() if bias}


def _encode(
    specs: Sequence[dict[str, Any]],
    contents: list[bytes | memoryview],
    biases: Collection[str],
    options: PackageOptions,
) -> None:
    """Re-encode tensors in place, and say how in their manifest entries."""
    from pipeline.weights.codec import Weight, codecs, encode_all

    chosen, weights = [], []
    for index, spec in enumerate(specs):
        bias = spec["name"] in biases and spec["shape"][-1:] >= [BIAS_VALUES]
        if spec["dtype"] == "float32" and (bias or _is_wide(spec["shape"])):
            values = np.frombuffer(contents[index], dtype="<f4").reshape(spec["shape"])
            # Channels come last in all of TensorFlow's kernels, in depthwise ones last but one.
            sides = None if bias else (values.ndim - 2, values.ndim - 1)
            chosen.append(index)
            weights.append(Weight(values, None, sides, bias, spec["name"]))
    encoded = encode_all(codecs()[str(options.codec)], weights, options.codec_options)
    for index, one in zip(chosen, encoded, strict=True):
        if one is not None:
            contents[index], specs[index]["quantization"] = _quantized(one)


def _is_wide(shape: Sequence[int]) -> bool:
    # Other vectors are per-channel factors: a few bytes, and rounding them on one
    # grid with the format's single scale per tensor costs the most accuracy.
    return sum(size > 1 for size in shape) >= 2 and 0 not in shape


def _quantized(encoded: Encoded) -> tuple[bytes, dict[str, Any]]:
    """TF.js computes ``value = data * scale + min``, or widens float16."""
    data = encoded.data.astype(encoded.data.dtype.newbyteorder("<"), copy=False).tobytes()
    entry: dict[str, Any] = {"dtype": encoded.data.dtype.name}
    if encoded.scale is not None and encoded.zero is not None:
        # The shortest decimal number that is this float32: others of its digits say nothing.
        scale = float(str(encoded.scale))
        entry |= {"min": -float(encoded.zero) * scale, "scale": scale}
    return data, entry
