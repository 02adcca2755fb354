"""Runs model.onnx on inputs.safetensors and compares it with expected.safetensors.

Needs numpy and onnxruntime. Exits with 1 as long as the output is wrong.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

FOLDER = Path(__file__).parent
DTYPES = {"F32": "<f4", "F16": "<f2", "F64": "<f8", "I64": "<i8", "I32": "<i4"}
DTYPES |= {"I8": "i1", "U8": "u1", "BOOL": "?"}


def load(name: str) -> dict[str, Any]:
    """The tensors of a safetensors file: a JSON header, then little-endian bytes."""
    raw = (FOLDER / name).read_bytes()
    start = 8 + int.from_bytes(raw[:8], "little")
    tensors = {}
    for key, entry in json.loads(raw[8:start]).items():
        first, last = (start + offset for offset in entry["data_offsets"])
        flat = np.frombuffer(raw[first:last], DTYPES[entry["dtype"]])
        tensors[key] = flat.reshape(entry["shape"])
    return tensors


facts = json.loads((FOLDER / "reproduction.json").read_text())
session = onnxruntime.InferenceSession(FOLDER / "model.onnx", providers=[facts["provider"]])
((name, wanted),) = load("expected.safetensors").items()
(given,) = session.run([name], load("inputs.safetensors"))
share = np.inf
if given.shape == wanted.shape:
    share = float(np.abs(given.astype("f8") - wanted.astype("f8")).max()) / facts["scale"]
right = share <= facts["tolerance"]
print("within tolerance" if right else "wrong")
print(f"onnxruntime {onnxruntime.__version__}, {facts['op']} {facts['node']}")
print(f"largest difference, as a share of the range: {share:.6g}")
print("expected", wanted.shape, *(f"{value:.6g}" for value in wanted.ravel()[:6]))
print("given   ", given.shape, *(f"{value:.6g}" for value in given.ravel()[:6]))
sys.exit(0 if right else 1)
