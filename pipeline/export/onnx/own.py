"""The ONNX artifact of an ONNX source: the source's own graph, which computes what it did."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from pipeline.artifacts.converted import ConvertedOnnx
from pipeline.base.options import StrictOptions
from pipeline.engine.step import step
from pipeline.graphs import origins

#: QuantizeLinear has one scale for each channel since then.
OLDEST_USUAL = 13


class OwnOptions(StrictOptions):
    """What of the source's graph is changed."""

    opset: int | None = Field(None, ge=13, le=21)
    """The least version of ONNX's operators that it is to be written in; its own without this."""
    usual: bool = False
    """As techniques on graphs know it: not older than they are, and convolutions do what scales,
    offsets and norms behind them did, which makes other last bits."""


@step(version=1, tools=("onnx",))
def convert(model: ConvertedOnnx, options: OwnOptions, work: Path) -> None:
    """OWN -> CONVERTED.

    Raises:
        PipelineError: it cannot be written in that opset.
    """
    from pipeline.graphs.onnx import fold, left_float, padding
    from pipeline.graphs.onnx.canonical import canonicalize
    from pipeline.graphs.onnx.opsets import raise_opset

    graph, signature, names = model.outline(), model.signature, dict[str, str]()
    if options.usual or padding.pads_by_attribute(graph):
        graph = raise_opset(graph, OLDEST_USUAL)
    graph = raise_opset(graph, options.opset or 0)
    if options.usual:
        fold.fold(graph, model.large)
    left_float.keep(graph)
    padding.keep_zeros(graph)
    graph = canonicalize(graph, signature, names)
    tensor_origins = origins.rename_origins(origins.read(model.folder), names)
    ConvertedOnnx(work).write(graph, signature, model.large)
    origins.write(work, tensor_origins)
