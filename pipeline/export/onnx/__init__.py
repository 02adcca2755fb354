"""ONNX: float32 graphs by tf2onnx, in one canonical spelling; weights in files beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from pipeline.artifacts.converted import ConvertedOnnx
from pipeline.artifacts.frozen import Frozen
from pipeline.artifacts.kept import KeptFolder, describe_weights
from pipeline.artifacts.large import LargeTensors
from pipeline.base.options import StrictOptions
from pipeline.engine.step import step
from pipeline.export.contract import Format, FormatOptions
from pipeline.export.onnx import own
from pipeline.export.onnx.keeping import keep
from pipeline.export.onnx.weights import OPSETS
from pipeline.graphs import activations, origins
from pipeline.tensors.signature import Signature
from pipeline.weights.sharding import Size

NAME = "onnx"

#: DequantizeLinear takes one scale per channel since 13; tf2onnx 1.17 and
#: current runtimes, in browsers too, agree up to 21.
Opset = Annotated[int, Field(ge=13, le=21)]


#: That of graphs which are made here; the opset of a model that came as ONNX stays.
USUAL_OPSET = 17


class Options(FormatOptions):
    """ONNX, for ONNX Runtime: native, in browsers and on phones."""

    opset: Opset | None = None
    """The version of ONNX's operators that the graph is written in: 17 without this. A model that
    is ONNX already keeps its own, unless it is less than what is said here."""
    shard_bytes: Size = 4 * 2**20
    """The largest size of one weight file, as in 4MiB; one larger tensor has its own file."""


class ConvertOptions(StrictOptions):
    """What decides the float32 graph that all variants are made from."""

    opset: Opset = USUAL_OPSET
    """The version of ONNX's operators that the graph is written in."""


class PackageOptions(StrictOptions):
    """How one variant's weights are encoded and cut into files."""

    variant: str
    """The variant's name, as in the config."""
    shard_bytes: Size = 4 * 2**20
    """The largest size of one weight file; one larger tensor has its own file."""
    codec: str | None = None
    """The weight technique: a module in ``pipeline.optimize`` with ``encode``."""
    codec_options: dict[str, Any] = Field(default={})
    """Keyword arguments of its ``encode``."""


def cannot_hold(technique: str, options: Options) -> str | None:
    """Why this format, with these options, cannot hold a technique; ``None`` if it can."""
    since, opset = OPSETS.get(technique, 0), options.opset or USUAL_OPSET
    if opset < since:
        return (
            f"ONNX has {technique} weights since opset {since}, and the opset here is "
            f"{opset}; set export.onnx.opset: {since}"
        )
    return None


@step(version=11, lane="tensorflow", tools=("tensorflow", "tf2onnx", "onnx"))
def convert(frozen: Frozen, options: ConvertOptions, work: Path) -> None:
    """FROZEN -> ``model.onnx``, float32, the same bytes every time; large weights beside it.

    ``origins.json`` beside it says which frozen tensor each tensor equals.

    Raises:
        PipelineError: tf2onnx cannot convert the graph.
    """
    from pipeline.export.onnx import tensorflow
    from pipeline.graphs.onnx import canonical, fold, large, left_float, padding
    from pipeline.graphs.tensorflow.outside import outside

    signature = frozen.signature
    outputs = [spec.name for spec in signature.outputs]
    merged: dict[str, str] = {}
    names: dict[str, str] = {}
    with outside(frozen, work, outputs) as (graph_def, constants):
        held = tuple(constants.values)
        model = tensorflow.convert(graph_def, signature, options.opset, merged, held)
        large.adopt(model, constants)
        fold.fold(model, constants.large)
        # What was trained with fake quantization has integers in it, and weights in float32.
        left_float.keep(model)
        padding.keep_zeros(model)
        model = canonical.canonicalize(model, signature, names)
        outputs_made = {name for node in model.graph.node for name in node.output}
        tensor_origins = _origins(names, merged, {node.name for node in graph_def.node})
        known_here = {new: old for new, old in tensor_origins.items() if new in outputs_made}
        write(model, signature, work, known_here, constants.large)
    activations.write(
        work, activations.rename_ranges(activations.read(frozen.folder), tensor_origins)
    )


def write(
    model: Any,
    signature: Signature,
    work: Path,
    tensor_origins: Mapping[str, str] | None = None,
    large: LargeTensors | None = None,
) -> None:
    """Write a CONVERTED folder with its origins; ``large`` has weights in files."""
    ConvertedOnnx(work).write(model, signature, large)
    if tensor_origins:
        origins.write(work, tensor_origins)


def _origins(
    names: Mapping[str, str], merged: Mapping[str, str], frozen: set[str]
) -> dict[str, str]:
    """Origins by new name: tf2onnx keeps TensorFlow's name where it keeps the value.

    Args:
        names: tf2onnx's tensor names -> ours; ``node:port``, or a bare name in the signature.
        merged: tf2onnx's name -> the name that the tensor should have for its value.
        frozen: names of the frozen graph's nodes.
    """
    full = {old: merged.get(old, old if ":" in old else f"{old}:0") for old in names}
    return {names[old]: name for old, name in full.items() if name.rsplit(":", 1)[0] in frozen}


@step(version=8, lane="light", tools=("onnx",))
def package(
    model: ConvertedOnnx, kept: KeptFolder | None, options: PackageOptions, work: Path
) -> None:
    """CONVERTED -> ARTIFACT: the graph, weights in digest-named files beside it, and origins."""
    from pipeline.artifacts.artifact import ArtifactWriter
    from pipeline.export.onnx import files, parts, weights
    from pipeline.graphs.onnx import canonical

    signature, graph = model.signature, model.outline()
    tensor_origins, encoding = origins.read(model.folder), None
    if options.codec is not None:
        stay = kept.read() if kept else None
        names = stay.damages if stay else ()
        exact = weights.encode(graph, options.codec, options.codec_options, model.large, names)
        encoding = describe_weights(options.codec, exact, stay)
        renamed: dict[str, str] = {}
        graph = canonical.canonicalize(graph, signature, renamed)
        tensor_origins = origins.rename_origins(tensor_origins, renamed)
    if tensor_origins:
        origins.write(work, tensor_origins)
    del graph.metadata_props[:]
    parts.cut_large(graph)
    writer = ArtifactWriter(work, NAME, options.variant, signature)
    files.externalize(
        graph, options.shard_bytes, lambda data: writer.add_file(data, "bin"), model.folder
    )
    writer.finish(writer.add_file(graph.SerializeToString(deterministic=True), "onnx"), encoding)


FORMAT = Format(
    name=NAME,
    options=Options,
    convert=convert,
    own="onnx",
    convert_own=own.convert,
    package=package,
    keep=keep,
    cannot_hold=cannot_hold,
)
