"""What the pinned TF.js has a kernel for on a backend that gives wrong numbers, or stops.

Each is known by running it: ``tests/backends/test_backend_faults.py`` fails where a newer TF.js is
right. What has other operators of the same numbers is rewritten in ``pipeline.export.tfjs_graph``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.backends.kernels import iterate_nodes


@dataclass(frozen=True)
class OperatorFault:
    """Operators that a backend computes wrongly where tensors have more than four axes."""

    runtime: str
    operators: tuple[str, ...]
    operand: int
    """The input, a constant, whose rows tell how many axes there are."""
    others: int
    """How many axes have no row in it."""


#: WGSL's vectors have at most four elements: where shaders of ``@tensorflow/tfjs-backend-webgpu``
#: write ``coords[4]`` they do not compile, and leave zeros (``pad_webgpu.js``,
#: ``mirror_pad_webgpu.js``); ``kernels/SpaceToBatchND.js`` and its like throw. ``kernels/Tile.js``
#: reads its input back through a canvas: a software device gives other numbers, or is lost.
FAULTS = (
    OperatorFault("tfjs-webgpu", ("Pad", "PadV2"), 1, 0),
    OperatorFault("tfjs-webgpu", ("Tile",), 1, 0),
    OperatorFault("tfjs-webgpu", ("MirrorPad",), 1, 0),
    OperatorFault("tfjs-webgpu", ("SpaceToBatchND",), 1, 2),
    OperatorFault("tfjs-webgpu", ("BatchToSpaceND",), 1, 2),
)

AXES = 4


def explain_fault(model: Mapping[str, Any], runtime: str) -> str:
    """Why a backend would give wrong numbers of a TF.js graph; empty where nothing says so.

    Args:
        model: a parsed ``model.json``.
        runtime: as a release calls it: ``tfjs-webgpu``.
    """
    if model.get("format") != "graph-model":
        return ""
    return next(_reasons(model, runtime), "")


def _reasons(model: Mapping[str, Any], runtime: str) -> Iterator[str]:
    faults = {name: f for f in FAULTS if f.runtime == runtime for name in f.operators}
    shapes = _shapes(model)
    for place, node in iterate_nodes(model["modelTopology"]):
        fault = faults.get(node["op"])
        operand = node.get("input", [])[fault.operand : fault.operand + 1] if fault else []
        shape = shapes.get(operand[0].split(":")[0]) if operand else None
        if fault and shape and shape[0] + fault.others > AXES:
            yield (
                f"TF.js computes {node['op']} of more than {AXES} axes wrongly on its "
                f"{runtime.removeprefix('tfjs-')} backend, as at {place}"
            )


def _shapes(model: Mapping[str, Any]) -> dict[str, list[int]]:
    """The shapes of constants by their nodes' names."""
    groups = model.get("weightsManifest", ())
    return {spec["name"]: spec["shape"] for group in groups for spec in group["weights"]}
