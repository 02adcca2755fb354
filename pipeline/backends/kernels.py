"""Which of TF.js' operators a backend cannot run, by what the pinned packages themselves have.

``kernels.json`` is written by ``make kernels``. ONNX Runtime has all of ONNX's operators on the
CPU, in WebAssembly too, and its WebGPU leaves to that what it lacks. Which those are nothing in
``onnxruntime-web`` 1.30 tells: its ``docs/webgpu-operators.md`` is of JSEP, and not of the runtime
in ``ort-wasm-simd-threaded.asyncify.wasm``, which has ``TopK``, ``GRU`` and ``LSTM`` besides; and
of the kernels in there ten have their names in the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "web" / "kernels.json"

#: Kernels for complex numbers: of operators that bear other names, only complex inputs need them.
_COMPLEX = ("Complex", "ComplexAbs", "Imag", "Real")


@dataclass(frozen=True)
class Lack:
    """A node of a graph that a backend cannot run."""

    node: str
    """In a function, ``function/node``."""
    operator: str
    kernel: str
    """Of TF.js, which the backend has not."""


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(FILE.read_text())
    return table


def fingerprint() -> dict[str, str]:
    """The packages that the lists are of, and their versions."""
    return dict(_table()["versions"])


def lacks(model: Mapping[str, Any], runtime: str) -> list[Lack]:
    """What of a TF.js graph a backend cannot run.

    Args:
        model: a parsed ``model.json``; one of layers has no operators, and lacks nothing.
        runtime: as a release calls it: ``tfjs-wasm``.
    """
    kernels = _table()["kernels"].get(runtime)
    if kernels is None or model.get("format") != "graph-model":
        return []
    return [
        Lack(place, node["op"], kernel)
        for place, node in iterate_nodes(model["modelTopology"])
        for kernel in _kernels_of(node["op"])
        if kernel not in kernels
    ]


def list_runtimes() -> list[str]:
    """The runtimes whose kernels are known, but for the one that no page should run."""
    return [name for name in _table()["kernels"] if name != "tfjs-cpu"]


def has_kernel_list(runtime: str | None) -> bool:
    """Whether a backend's kernels are known."""
    return runtime in _table()["kernels"]


def _kernels_of(operator: str) -> Iterator[str]:
    for kernel in _table()["operators"].get(operator, ()):
        if kernel not in _COMPLEX or kernel == operator:
            yield kernel


def iterate_nodes(topology: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each node and where it stands: in a function, ``function/node``."""
    for node in topology.get("node", ()):
        yield node["name"], node
    for function in topology.get("library", {}).get("function", ()):
        for node in function.get("nodeDef", ()):
            yield f"{function['signature']['name']}/{node['name']}", node


def explain_lacks(lacks: list[Lack], runtime: str) -> str:
    """The reason for which a backend does not run a graph; empty where it does."""
    if not lacks:
        return ""
    kernels = sorted({lack.kernel for lack in lacks})
    backend, nodes = runtime.removeprefix("tfjs-"), len({lack.node for lack in lacks})
    more = f" and {nodes - 1} more need" if nodes > 1 else " needs"
    return (
        f"TF.js has no kernel{'s' if len(kernels) > 1 else ''} {', '.join(kernels)} on its "
        f"{backend} backend, which {lacks[0].operator} at {lacks[0].node}{more}"
    )
