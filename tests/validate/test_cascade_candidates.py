"""What a cascade may be made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pipeline.artifacts.evidence import Evidence
from pipeline.artifacts.samples_folder import Golden
from pipeline.validate.cascade_candidates import calibrate, candidates
from pipeline.validate.confidence import Confidence

COUNT = 300
CLASSES = (np.arange(COUNT) % 7).astype(np.int32)


def proof(target: str, *, partial: bool = False, status: str = "pass") -> dict[str, Any]:
    if status == "unavailable":
        return {"target": target, "status": status}
    return {
        "target": target,
        "engine": None,
        "status": status,
        "partial": partial,
        "hardware": {"kind": "cpu"},
        "latency": {"median_ms": 2.0},
    }


def artifact(name: str, size: int, *proofs: dict[str, Any]) -> dict[str, Any]:
    return {"id": name, "format": "onnx", "bytes": size, "br_bytes": None, "validation": [*proofs]}


class Store:
    """Folders of a build, by name."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, name: str, wrong: int = 0) -> None:
        """Of whom that many samples, the least sure ones, are another class."""
        classes = CLASSES.copy()
        classes[:wrong] += 1
        sure = np.linspace(0.3, 0.99, COUNT, dtype=np.float32)
        (self._root / name).mkdir(parents=True)
        right = classes == CLASSES
        Confidence(classes, sure, right, "top1_agreement").write(self._root / name)

    def __call__(self, name: str) -> Path | None:
        return self._root / name if (self._root / name).exists() else None


def test_the_smallest_and_the_most_accurate_are_chosen(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put("golden")
    store.put("onnx/fp32 cpu")
    store.put("onnx/int8 cpu", wrong=30)
    made = [artifact("onnx/fp32", 400, proof("cpu")), artifact("onnx/int8", 100, proof("cpu"))]
    found, reason = calibrate(made, Golden(tmp_path / "golden"), Evidence(store))
    assert found is not None and reason is None
    assert (found["small"], found["large"]) == ("onnx/int8", "onnx/fp32")
    assert found["expected"]["metric"] == "top1_agreement"
    assert found["expected"]["large_accuracy"] == 1
    assert found["expected"]["bytes_ratio"] == 0.25


def test_a_model_of_no_classes_has_none(tmp_path: Path) -> None:
    (tmp_path / "golden").mkdir()
    none = (None, "the model does not tell how sure it is of an answer")
    made, golden = [artifact("onnx/fp32", 1, proof("cpu"))], Golden(tmp_path / "golden")
    assert calibrate(made, golden, Evidence(Store(tmp_path))) == none


def test_only_proofs_that_passed_on_all_samples_count(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for target in ("failed", "brief", "good"):
        store.put(f"onnx/a {target}", wrong=len(target))
        store.put(f"onnx/b {target}")
    proofs = [proof("none", status="unavailable"), proof("failed", status="fail")]
    made = [
        artifact("onnx/a", 1, *proofs, proof("brief", partial=True), proof("good")),
        artifact("onnx/b", 2, *proofs),
    ]
    (only,) = candidates(made, Evidence(store))
    assert only.id == "onnx/a"
    assert (only.sure.answers != CLASSES).sum() == len("good")
    assert only.median_ms == {"brief": 2.0, "good": 2.0}
