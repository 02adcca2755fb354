"""A TF.js model before it is written: which of its weights can be encoded, and what they become.

Weights are what layers multiply with or look up, and a graph's biases. What only operators of
single elements read is none, such as the mean of a normalization: it stays float32 while it is
small. A wide addend, such as an embedding of positions, may be as large as a weight, and is one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from pipeline.artifacts.converted import ConvertedTfjs
from pipeline.artifacts.kept import Kept, describe_weights
from pipeline.base.errors import PipelineError
from pipeline.export.tfjs_graph.scales import scale_outputs
from pipeline.export.tfjs_graph.slim import share_constants, slim
from pipeline.tensors.arrays import Array, Float32s, np

if TYPE_CHECKING:
    from pipeline.weights.codec import Encoded, Weight

Node = Mapping[str, Any]
Bytes = bytes | memoryview

#: Operator -> where it reads a bias.
BIAS_INPUTS = {
    "BiasAdd": 1,
    "_FusedConv2D": 2,
    "_FusedMatMul": 2,
    "FusedDepthwiseConv2dNative": 2,
}

#: A smaller bias gains less than what says how it is encoded.
BIAS_VALUES = 8

#: What a server sends before the first acknowledgement: ten segments of 1,460 bytes (RFC 6928).
#: Fewer bytes than these arrive no sooner.
FLIGHT_BYTES = 14_600

#: Where a model is no larger than a flight, smaller weights stay float32: as in ONNX.
SMALL_VALUES = 256

#: Operators that compute each element of their result from one of each operand.
ELEMENTWISE = frozenset(
    (
        *("Add", "AddV2", "AddN", "Sub", "Mul", "Div", "RealDiv", "DivNoNan", "FloorDiv"),
        *("Mod", "FloorMod", "Maximum", "Minimum", "Pow", "SquaredDifference", "Prelu"),
        *("Select", "SelectV2", "Greater", "GreaterEqual", "Less", "LessEqual", "Equal"),
    )
)

#: What layers call weights that they multiply with or look up.
KERNELS = ("kernel", "embeddings")


@dataclass(frozen=True)
class Stored:
    """A parsed ``model.json``, and the bytes of its weights, in their order."""

    model: dict[str, Any]
    specs: list[dict[str, Any]]
    """The entries of its manifest, which say what each is."""
    contents: list[Bytes]
    scales: frozenset[str] = frozenset()
    """Factors of channels that were put behind layers, which are encoded as biases are."""

    @classmethod
    def read(cls, converted: ConvertedTfjs, codec_options: Mapping[str, Any]) -> Stored:
        """What is there to be encoded.

        Args:
            converted: with all weights in float32.
            codec_options: ``settled`` says whether techniques before have chosen weights.
        """
        model = converted.model()
        (group,) = model["weightsManifest"]
        contents: list[Bytes] = [*_contents(group["weights"], _mapped(converted))]
        if model["format"] != "graph-model":
            return cls(model, group["weights"], contents)
        share_constants(model, contents)
        scales = scale_outputs(model, contents) if codec_options.get("settled") else ()
        return cls(model, group["weights"], contents, frozenset(scales))

    @property
    def weights(self) -> dict[int, Weight]:
        """What can be encoded, by its place."""
        from pipeline.weights.codec import Weight

        kinds = _Kinds(self)
        found = {}
        for index, spec in enumerate(self.specs):
            bias = kinds.is_bias(spec)
            if bias or kinds.is_weight(spec):
                values = self.values(index)
                # Channels come last in all of TensorFlow's kernels, in depthwise last but one.
                sides = None if bias else (values.ndim - 2, values.ndim - 1)
                found[index] = Weight(values, None, sides, bias, spec["name"])
        return found

    @property
    def constants(self) -> set[str]:
        """Those of the main graph, outside of loops' bodies."""
        return {str(node["name"]) for node in self.model["modelTopology"].get("node", ())}

    def plain(self) -> Iterator[tuple[str, Array]]:
        """Name and values of each weight, before anything is encoded.

        Raises:
            PipelineError: one holds strings.
        """
        for spec, content in zip(self.specs, self.contents, strict=True):
            if spec["dtype"] == "string":
                raise PipelineError(f"the constant {spec['name']} holds strings")
            dtype = np.dtype(spec["dtype"]).newbyteorder("<")
            yield spec["name"], np.frombuffer(content, dtype).reshape(spec["shape"])

    def values(self, index: int) -> Float32s:
        values: Float32s = np.frombuffer(self.contents[index], dtype="<f4")
        return values.reshape(self.specs[index]["shape"])

    def encode(
        self, codec: str, codec_options: Mapping[str, Any], kept: Kept | None
    ) -> dict[str, Any]:
        """Encode weights in place, and say how in their entries; what ``artifact.json`` says of
        it."""
        from pipeline.weights import exact
        from pipeline.weights.codec import codecs

        weights = self.weights
        names = kept.damages if kept else ()
        encoded, stayed = exact.encode(
            codecs()[codec], list(weights.values()), codec_options, names
        )
        for index, encoding in zip(weights, encoded, strict=True):
            if encoding is not None:
                self.contents[index], self.specs[index]["quantization"] = _quantized(encoding)
        return describe_weights(codec, stayed, kept)

    def finish(self, paths: Iterable[str]) -> dict[str, Any]:
        """The ``model.json`` of weights in these files, as short as it can be."""
        (group,) = self.model["weightsManifest"]
        group["paths"] = [*paths]
        # Now, since layers' own names decide where shards end.
        if self.model["format"] == "graph-model":
            slim(self.model)
        return self.model


class _Kinds:
    """Tells weights and biases of a model from other constants."""

    def __init__(self, stored: Stored) -> None:
        self._graph, self._scales = stored.model["format"] == "graph-model", stored.scales
        self._readers = _readers(stored.model["modelTopology"])
        floats = sum(prod(spec["shape"]) for spec in stored.specs if spec["dtype"] == "float32")
        self._least = SMALL_VALUES if 4 * floats <= FLIGHT_BYTES else 0

    def is_bias(self, spec: Mapping[str, Any]) -> bool:
        """Whether it is read as biases are and as nothing else."""
        readers = self._readers.get(spec["name"], ())
        added = bool(readers) and all(_reads_bias(*reader) for reader in readers)
        long = spec["shape"][-1:] >= [max(BIAS_VALUES, self._least)]
        return spec["dtype"] == "float32" and long and (added or spec["name"] in self._scales)

    def is_weight(self, spec: Mapping[str, Any]) -> bool:
        shape, count = spec["shape"], prod(spec["shape"])
        # Other vectors are per-channel factors: a few bytes, and rounding them on one
        # grid with the format's single scale per tensor costs the most accuracy.
        wide = sum(size > 1 for size in shape) >= 2 and 0 not in shape
        small = count < self._least or (4 * count <= FLIGHT_BYTES and self._is_operand(spec))
        return spec["dtype"] == "float32" and wide and not small

    def _is_operand(self, spec: Mapping[str, Any]) -> bool:
        """Whether only operators of single elements read it."""
        if not self._graph:
            return not spec["name"].endswith(KERNELS)
        readers = self._readers.get(spec["name"], ())
        return bool(readers) and all(node["op"] in ELEMENTWISE for node, _ in readers)


def _reads_bias(node: Node, position: int) -> bool:
    return BIAS_INPUTS.get(node["op"]) == position


def _readers(topology: Mapping[str, Any]) -> Mapping[str, list[tuple[Node, int]]]:
    """Which nodes of a graph read a constant, and at which input."""
    bodies = [function["nodeDef"] for function in topology.get("library", {}).get("function", ())]
    found: dict[str, list[tuple[Node, int]]] = defaultdict(list)
    for node in (node for nodes in (topology.get("node", ()), *bodies) for node in nodes):
        for position, name in enumerate(node.get("input", ())):
            found[name.split(":")[0]].append((node, position))
    return found


def _mapped(converted: ConvertedTfjs) -> memoryview:
    """The bytes of all weights, read as they are needed."""
    file = converted.weights_file
    # No file of no bytes can be mapped.
    return np.memmap(file, np.uint8, "r").data if file.stat().st_size else memoryview(b"")


def _contents(weights: Sequence[Mapping[str, Any]], view: memoryview) -> Iterator[memoryview]:
    """The bytes of each weight."""
    start = 0
    for weight in weights:
        end = start + byte_length(weight, view[start:])
        yield view[start:end]
        start = end


def byte_length(weight: Mapping[str, Any], rest: memoryview) -> int:
    """The size of a tensor's bytes; strings carry their own lengths."""
    count = int(prod(weight["shape"]))
    if weight["dtype"] != "string":
        return count * {"float32": 4, "int32": 4, "bool": 1, "complex64": 8}[weight["dtype"]]
    end = 0
    for _ in range(count):
        end += 4 + int.from_bytes(rest[end : end + 4], "little")
    return end


def _quantized(encoded: Encoded) -> tuple[bytes, dict[str, Any]]:
    """TF.js computes ``value = data * scale + min``, or widens float16."""
    data = encoded.data.astype(encoded.data.dtype.newbyteorder("<"), copy=False).tobytes()
    entry: dict[str, Any] = {"dtype": encoded.data.dtype.name}
    if encoded.scale is not None and encoded.zero is not None:
        # The shortest decimal number that is this float32: others of its digits say nothing.
        scale = float(str(encoded.scale))
        entry |= {"min": -float(encoded.zero) * scale, "scale": scale}
    return data, entry
