from __future__ import annotations

import json
import subprocess
from pathlib import Path

from pipeline.backends import kernels
from pipeline.backends.web.packages import versions

ROOT = Path(kernels.__file__).parents[2]


def graph(*operators: str, inner: str | None = None) -> dict[str, object]:
    nodes = [{"name": f"node/{i}", "op": operator} for i, operator in enumerate(operators)]
    body = [{"name": "deep", "op": inner}] if inner else []
    library = {"function": [{"signature": {"name": "body"}, "nodeDef": body}]}
    return {"format": "graph-model", "modelTopology": {"node": nodes, "library": library}}


def test_the_lists_are_those_of_the_installed_packages(tmp_path):
    made = tmp_path / "kernels.json"
    subprocess.run(["node", ROOT / "tools" / "kernels.mjs", made], check=True, timeout=60)
    assert json.loads(made.read_text()) == json.loads(kernels.FILE.read_text()), "make kernels"
    assert set(kernels.fingerprint().values()) == {versions()["@tensorflow/tfjs"]}


def test_what_a_backend_lacks_is_named_with_its_place_in_functions_too():
    model = graph("Conv2D", "RFFT", "Einsum", inner="Einsum")
    found = kernels.lacks(model, "tfjs-wasm")
    assert kernels.Lack("node/2", "Einsum", "Einsum") in found
    assert kernels.Lack("body/deep", "Einsum", "Einsum") in found
    assert kernels.explain_lacks(found, "tfjs-wasm") == (
        "TF.js has no kernels Einsum, FFT on its wasm backend, which RFFT at node/1 and 2 more need"
    )
    assert kernels.lacks(model, "tfjs-webgl") == []


def test_kernels_for_complex_numbers_are_asked_only_for_those():
    assert kernels.lacks(graph("Abs", "MatrixBandPart", "EuclideanNorm"), "tfjs-wasm") == []
    assert [lack.kernel for lack in kernels.lacks(graph("ComplexAbs"), "tfjs-wasm")] == [
        "ComplexAbs"
    ]


def test_what_runs_other_graphs_lacks_nothing():
    assert kernels.lacks(graph("Einsum"), "ort-wasm") == []
    assert kernels.lacks({"format": "layers-model", "modelTopology": {}}, "tfjs-wasm") == []
    assert kernels.explain_lacks([], "tfjs-wasm") == ""
