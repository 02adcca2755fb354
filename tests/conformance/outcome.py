"""What became of a model in one format, on one backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]

#: As the product's own tolerance for float32 (``pipeline.validate.tolerances``).
TOLERANCE = 1e-3
#: Of a source that rounds each of its own results to 8 significant bits, where artifacts do not.
BFLOAT16_TOLERANCE = 0.02


#: Where variants besides float32 are run: one runtime for each format.
VARIANT_BACKENDS = ("onnxruntime-cpu", "tfjs-wasm")

#: Others' converters, by their columns.
GRAPH, LAYERS, ONNX = "peer tensorflowjs-graph", "peer tensorflowjs-layers", "peer tf2onnx"
PEERS = (GRAPH, LAYERS, ONNX)


@dataclass(frozen=True)
class Outcome:
    """One cell of the table."""

    state: str
    """``ok``; ``refused`` with a reason, before it ran; ``wrong`` numbers; ``crashed``;
    ``unavailable``: nothing here could run it."""
    reason: str = ""

    def json(self) -> dict[str, str]:
        return {"state": self.state} | ({"reason": self.reason} if self.reason else {})


def compared(
    outputs: Arrays, wanted: Arrays, tolerance: float = TOLERANCE, worst_sample: float | None = None
) -> Outcome:
    """Whether outputs are the source model's.

    Args:
        worst_sample: the largest error of one sample; ``None`` where the tolerance says it all.
    """
    from pipeline.measures.parity import compare

    for name, golden in wanted.items():
        if outputs[name].shape != golden.shape:
            shapes = f"{outputs[name].shape} and not {golden.shape}"
            return Outcome("wrong", f"{name} has the shape {shapes}")
    found = compare(outputs, wanted, {})
    if found["nonfinite"]:
        return Outcome("wrong", f"{found['nonfinite']} values are not finite")
    if found["relative_error"] > tolerance:
        return Outcome("wrong", f"relative error {found['relative_error']:.2g}")
    if worst_sample is not None and (found["worst_sample_error"] or 0) > worst_sample:
        return Outcome("wrong", f"worst sample error {found['worst_sample_error']:.2g}")
    return Outcome("ok")


def first_line(error: BaseException) -> str:
    """An error in one line, of bounded length."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {(lines or ['no reason given'])[0]}"[:300]
