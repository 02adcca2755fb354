"""Which node makes an artifact wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

from pipeline.bisect.compare import Misfit, SeenTensor
from pipeline.bisect.graph import ArtifactGraph, NodeRegion

#: Number format -> the error that a right node may add, as a share of the range of its output.
#: Measured on the bundled MobileNet, node by node, on onnxruntime, TF.js' wasm and webgl.
TOLERANCES = {
    # Sums in another order; exponentials and the like of a GPU. Measured: 7e-7.
    "float32": 1e-4,
    # 11 significant bits of each weight. Measured: 2e-4.
    "float16": 2e-3,
    "uint16": 2e-3,
    # 256 steps for all of a weight, where some of its channels may need few. Measured: 0.023.
    "uint8": 0.1,
    # The same for activations; a scale a channel for weights. Measured: 0.014.
    "int8": 0.1,
}

#: What a GPU adds that keeps tensors in 16 bits, whatever the weights' format.
HALF_PRECISION = 1e-2


def tolerance_of(number_formats: Iterable[str]) -> float:
    """The tolerance of a variant: that of its widest number format.

    Args:
        number_formats: of ``validate.tolerances.number_formats``; a variant that was trained is
            compared with what training made, so that training is none here.
    """
    return max(TOLERANCES.get(name, TOLERANCES["float32"]) for name in number_formats)


@dataclass(frozen=True)
class Finding:
    """One tensor and the node that makes it."""

    region: NodeRegion
    source: str
    """The source's tensor that it should equal."""
    before: float
    """The largest error among its inputs, as the artifact computes them."""
    after: float
    """Its own, as the artifact computes it."""
    added: float
    """Its own where the node reads the source's tensors: what the node itself adds."""
    reason: str | None = None
    """Why there is nothing to compare, where both errors are infinite."""

    def as_json(self) -> dict[str, Any]:
        """With plain names; errors are shares of a range, ``None`` where they are infinite."""
        main = self.region.main
        others = [op for op in self.region.ops if op is not main]
        return {
            "node": main.name,
            "op": main.op,
            "with": [{"node": op.name, "op": op.op} for op in others],
            "tensor": self.region.tensor,
            "source": self.source,
            "error_before": _finite(self.before),
            "error_after": _finite(self.after),
            "error_added": _finite(self.added),
            "reason": self.reason,
        }


def apart(regions: Sequence[NodeRegion], misfits: Mapping[str, Misfit]) -> list[NodeRegion]:
    """The regions without those that lie behind a misfit: what they add cannot be told."""
    return [
        region
        for region in regions
        # The last one makes the tensor itself, and perhaps others.
        if not any(tensor in misfits for op in region.ops[:-1] for tensor in op.outputs)
    ]


def findings(
    regions: Sequence[NodeRegion],
    seen: Mapping[str, SeenTensor],
    misfits: Mapping[str, Misfit],
    added: Mapping[str, float],
) -> list[Finding]:
    """One for each region, in the graph's order."""
    ranking = []
    for region in regions:
        before = max((seen[name].error for name in region.inputs if name in seen), default=0.0)
        if misfit := misfits.get(region.tensor):
            ranking.append(Finding(region, misfit.source, before, inf, inf, misfit.reason))
        else:
            counterpart = seen[region.tensor]
            ranking.append(
                Finding(region, counterpart.source, before, counterpart.error, added[region.tensor])
            )
    return ranking


def doubtful(ranking: Sequence[Finding], graph: ArtifactGraph, tolerance: float) -> set[str]:
    """Tensors that may equal none of the source's, whatever their names say.

    Their nodes are wrong, and so is all that reads the source's tensor in their place. Graph
    optimizers let a node keep its name while they move a factor out of it.
    """
    readers: dict[str, list[Finding]] = {}
    for finding in ranking:
        for name in finding.region.inputs:
            readers.setdefault(name, []).append(finding)
    result: set[str] = set()
    for finding in ranking:
        reading = readers.get(finding.region.tensor)
        wrong_too = reading and all(reader.added > tolerance for reader in reading)
        if finding.added > tolerance and wrong_too and finding.region.tensor not in graph.outputs:
            result.add(finding.region.tensor)
    return result


def refuted(doubts: Iterable[str], trial: Sequence[Finding], tolerance: float) -> set[str]:
    """The doubtful tensors whose readers are right once the tensors are taken as unknown.

    Args:
        trial: the findings where no doubtful tensor is compared or given.
    """
    result = set()
    for tensor in doubts:
        through = [
            finding for finding in trial if any(tensor in op.outputs for op in finding.region.ops)
        ]
        if through and all(finding.added <= tolerance for finding in through):
            result.add(tensor)
    return result


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None
