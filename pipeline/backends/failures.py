"""What a runtime could not do, in words for those who make models: a reason, and what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pipeline.base.errors import RunError

_ELSEWHERE = "leave this backend out of validate.backends"

#: What a runtime says -> the reason and what to do; groups of the one fill the other.
_KNOWN = (
    (
        r"texture size \[(\d+)x(\d+)\] greater than WebGL maximum.* \[(\d+)x(\d+)\]",
        r"a tensor needs a texture of \1x\2, and WebGL has none over \3x\4 here",
        f"make the model's inputs or layers smaller, or {_ELSEWHERE}",
    ),
    (
        r"Kernel '(\w+)' not registered for backend '(\w+)'",
        r"TF.js has no kernel for \1 on its \2 backend",
        f"take another operator than \\1, or {_ELSEWHERE}",
    ),
    (
        r"(?:Batch|_Fused)?(MatMul) for non non-float32 tensors not yet supported",
        r"TF.js' wasm backend has \1 for float32 only",
        f"cast its inputs to float32, or {_ELSEWHERE}",
    ),
    (
        r"Unknown op '(\w+)'",
        r"TF.js has no operator \1",
        r"take another operator than \1, or leave the TF.js formats out of export",
    ),
    (
        r"(?:Could not find an implementation|NOT_IMPLEMENTED).*?(?: for)? (\w+)\(\d+\)",
        r"ONNX Runtime has no kernel for \1 here",
        f"take another operator than \\1, or {_ELSEWHERE}",
    ),
)

#: What says of a runtime only that it broke, and not at what.
_BROKE = re.compile(
    r"(?:\w*Error: )?(Cannot (?:read|set) properties of .*"
    r"|.* is not (?:a function|iterable|defined)|memory access out of bounds|Aborted\(.*)"
)

_OTHERWISE = f"run `pipeline bisect` to find the node, or {_ELSEWHERE}"
#: What to do where memory was short, or what it ran in broke down.
SMALLER = f"make the model smaller or free memory and build again, or {_ELSEWHERE}"
#: A rasterizer's device ends where TF.js reads back at once, as each number of a computed shape.
SOFTWARE = (
    "a device of software breaks where a GPU would wait: build on a machine with a GPU, "
    f"or {_ELSEWHERE}"
)
AGAIN = f"build again; where it comes again, the model asks too much of this machine: {_ELSEWHERE}"


def of_runtime(message: str, code: str | None = None) -> RunError:
    """What a runtime threw.

    Args:
        code: of the client's ``RuntimeFailure``, where it gave one.
    """
    line = _line(message)
    if code == "lost":
        return RunError(line, todo=AGAIN, lasting=False, again=True)
    if code == "memory":
        reason = f"there was not enough memory: {line}"
        return RunError(reason, todo=SMALLER, lasting=False, unknown=True)
    for pattern, reason, todo in _KNOWN:
        if match := re.search(pattern, message, re.DOTALL):
            return RunError(match.expand(reason), todo=match.expand(todo))
    if broke := _BROKE.match(line):
        line = f"the runtime broke down, and does not say at which operator ({broke[1]})"
    return RunError(line, todo=_OTHERWISE)


def _line(message: str) -> str:
    """The first line, without folders of this machine and onnxruntime's numbers."""
    text = re.sub(r"\[ONNXRuntimeError\] : \d+ : \w+ : |Load model from \S+ failed: ?", "", message)
    text = re.sub(r"(?<![\w:/.])(?:/[\w.@-]+){2,}/", "", text)
    return (text.strip().splitlines() or ["no reason given"])[0]


def of_page(error: Mapping[str, Any]) -> RunError:
    """What a job of the page answered in place of a result."""
    return of_runtime(str(error["message"]), error.get("code"))
