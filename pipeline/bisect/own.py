"""Records the tensors of a source as it came: its own ONNX graph, run in onnxruntime."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pipeline.artifacts.converted import ConvertedOnnx
from pipeline.artifacts.samples_folder import Golden
from pipeline.bisect.source import TraceOptions, record
from pipeline.engine.step import step
from pipeline.tensors.arrays import Array


@step(version=1, tools=("onnxruntime", "onnx"))
def trace_own(frozen: ConvertedOnnx, golden: Golden, options: TraceOptions, work: Path) -> None:
    """OWN and GOLDEN -> TRACE, as ``source.trace`` writes it of TensorFlow's graph.

    Left out is what is no number.
    """
    record(_Session(frozen, options.tensors), frozen.signature, golden, options, work)


class _Session:
    def __init__(self, model: ConvertedOnnx, names: Iterable[str]) -> None:
        from pipeline.graphs.onnx.observe import session_inside

        outline, needed = model.outline(), set(names)
        order = [name for node in outline.graph.node for name in node.output if name in needed]
        self._session = session_inside(outline, order)
        kinds = {value.name: value.type for value in self._session.get_outputs()}
        self._names = [
            name
            for name in order
            if kinds[name].startswith("tensor(") and kinds[name] != "tensor(string)"
        ]

    def sizes(self, names: Iterable[str], feeds: Mapping[str, Array]) -> dict[str, int]:
        """Bytes of each tensor that can be recorded, one after another."""
        return {name: self.run([name], feeds)[name].nbytes for name in self._names}

    def run(self, fetches: Sequence[str], feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Values by name."""
        return dict(zip(fetches, self._session.run(list(fetches), feeds), strict=True))
