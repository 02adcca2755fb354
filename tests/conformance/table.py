"""The results as a Markdown document."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from tests.conformance.outcome import GRAPH, LAYERS, ONNX
from tests.conformance.results import Results

STATES = ("ok", "refused", "wrong", "crashed", "unavailable")
GROUPS = ("layers", "composed", "applications")

INTRODUCTION = """# What becomes of every layer and architecture of Keras 3

Written by `python -m tests.conformance --write`: small models, one for each layer of
`keras.layers` with its usual options, the architectures of `keras.applications` with random
weights, and models as people compose them. Each is exported as a build does it, run on each
backend, and compared with what Keras computes. **ok**: relative error at most 0.001, of bfloat16
sources 0.02. **refused**: before it ran, with a reason. **wrong**: other numbers. **crashed**: no
numbers.

In uint8 and int8 the architectures are held to the product's own bounds where a config has no
gates (`pipeline/validate/tolerances.py`): a relative error of 0.6 and 0.75, a worst sample's of
1.2. Where one misses them its `keep` holds them, as the error of a missed gate advises: of
ResNet50V2 in int8 the first convolution stays in float32, without which one sample in eight has
another answer. Their weights are random, so that no accuracy could be lost.

Browsers are Chromium; its WebGL and WebGPU ran on a software rasterizer. The peers got the
SavedModel that Keras exports, and ran in TF.js on WebAssembly in Node, or in onnxruntime. Of a
Keras 3 .h5 `tensorflowjs_converter` 4.22 makes layers models of which TF.js loads none
([tfjs#8328](https://github.com/tensorflow/tfjs/issues/8328)); its layers column is therefore of the
same models in tf_keras (`TF_USE_LEGACY_KERAS=1`), saved as .h5.
"""

HEADS = {
    "onnx": "ONNX",
    "tfjs-graph": "TF.js graph",
    "tfjs-layers": "TF.js layers",
    "onnx/uint8": "ONNX uint8",
    "onnx/int8": "ONNX int8",
    "tfjs-graph/uint8": "TF.js graph uint8",
    GRAPH: "tensorflowjs_converter, graph",
    LAYERS: "tensorflowjs_converter, layers",
    ONNX: "tf2onnx",
}

#: Where a model lay on this machine.
_FOLDER = re.compile(r"/\S*/conformance/work/\w+/[^/]*/")

Cells = dict[str, dict[str, str]]


def summary(known: Results) -> str:
    """How many models came out how, in each format on each backend."""
    lines = ["| format and backend | models | " + " | ".join(STATES) + " |"]
    lines.append("|---|" + "---|" * (len(STATES) + 1))
    for column in known.columns():
        states = Counter(cells[column]["state"] for _, cells in known if column in cells)
        counts = " | ".join(str(states[state]) for state in STATES)
        lines.append(f"| {column} | {states.total()} | {counts} |")
    return "\n".join(lines)


def markdown(known: Results) -> str:
    """The document: the summary, every model, and the reasons."""
    reasons: dict[str, list[str]] = {}
    shown = [g for g in GROUPS if any(case.startswith(f"{g}/") for case, _ in known)]
    tables = "\n\n".join(_group(known, group, reasons) for group in shown)
    notes = "\n".join(
        f"{number}. {reason} ({_few(names)})"
        for number, (reason, names) in enumerate(reasons.items(), 1)
    )
    parts = (INTRODUCTION, summary(known), tables, "## Reasons", notes)
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _group(known: Results, group: str, reasons: dict[str, list[str]]) -> str:
    cases = [(case, cells) for case, cells in sorted(known) if case.startswith(f"{group}/")]
    columns = [one for one in HEADS if any(_own(cells, one) for _, cells in cases)]
    heads = " | ".join(HEADS[column] for column in columns)
    lines = [f"## {group.capitalize()}\n", f"| model | {heads} |", "|---|" + "---|" * len(columns)]
    for case, cells in cases:
        name = case.partition("/")[2]
        shown = " | ".join(_cell(name, cells, column, reasons) for column in columns)
        lines.append(f"| {name} | {shown} |")
    return "\n".join(lines)


def _own(cells: Cells, column: str) -> Cells:
    """Those of a format, variant or peer, on whatever backend."""
    return {name: cell for name, cell in cells.items() if f"{name} ".startswith(f"{column} ")}


def _cell(name: str, cells: Cells, column: str, reasons: dict[str, list[str]]) -> str:
    """One state where all backends agree; else each with its backends, and numbers of reasons."""
    own = _own(cells, column)
    states = Counter(cell["state"] for cell in own.values())
    if len(states) <= 1 and "ok" in states:
        return "ok"
    return "; ".join(_told(name, own, state, column, reasons) for state in states) or "–"


def _told(name: str, own: Cells, state: str, column: str, reasons: dict[str, list[str]]) -> str:
    places = [key.removeprefix(column).strip() for key, c in own.items() if c["state"] == state]
    where = f" on {', '.join(places)}" if len(places) < len(own) else ""
    noted = dict.fromkeys(_noted(name, own, state, reasons))
    return f"{state}{where}{' ' if noted else ''}{', '.join(map(str, noted))}"


def _noted(name: str, own: Cells, state: str, reasons: dict[str, list[str]]) -> Iterator[int]:
    """The numbers of the reasons, each of which is listed once."""
    for cell in own.values():
        reason = _FOLDER.sub("", cell.get("reason", "")).replace("|", "/")
        if cell["state"] != state or not reason:
            continue
        names = reasons.setdefault(reason, [])
        if name not in names:
            names.append(name)
        yield list(reasons).index(reason) + 1
