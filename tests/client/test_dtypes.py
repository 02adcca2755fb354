"""Tensors that TF.js has no dtype for: proved, published, and fed by a page through the client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typed_model
from client_page import Pages, ScriptError, ScriptPage, page_origin
from client_release import Release, publish
from client_site import Origin, cdn, running
from client_tiers import with_gpu_backends
from commands import pipeline
from nightly import nightly

pytestmark = pytest.mark.browser

BACKENDS = ("tfjs-wasm", "ort-wasm")

PREDICT = """
const { load } = await import(`${args.client}/index.js`);
const model = await load(args.url, { backend: args.backend });
const arrays = { bool: Uint8Array, int8: Int8Array, uint8: Uint8Array, float32: Float32Array,
                 int64: { from: (data) => BigInt64Array.from(data, BigInt) } };
const inputs = Object.fromEntries(Object.entries(args.inputs).map(
  ([name, { dtype, shape, data }]) => [name, { dtype, shape, data: arrays[dtype].from(data) }]));
const outputs = await model.predict(inputs);
const { info } = model;
await model.dispose();
return { info, outputs: Object.fromEntries(Object.entries(outputs).map(
  ([name, { dtype, shape, data }]) =>
    [name, { dtype, shape, of: data.constructor.name, data: Array.from(data, Number) }])) };
"""


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory, store: Path) -> Release:
    folder = tmp_path_factory.mktemp("typed")
    return publish(typed_model.config(["onnxruntime-cpu", *BACKENDS]), folder, store, pipeline)


@pytest.fixture(scope="module")
def origins(
    typed: Release, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Origin, Origin]]:
    everywhere = with_gpu_backends(typed, tmp_path_factory.mktemp("everywhere"))
    with running(page_origin()) as page, running(cdn(everywhere.cdn)) as files:
        yield page, files


def sample(**changes: Any) -> dict[str, Any]:
    values = {
        "ids": [3, 0, 7, 1],
        "pixels": [0, 255, 128, 7],
        "signed": [-128, 127, -1, 0],
        "wide": [0.5, -0.25, 1e-3, 2.0],
        "mask": [1, 0, 1, 1],
    } | changes
    return {
        name: {"dtype": dtype, "shape": [1, 4], "data": values[name]}
        for name, dtype in typed_model.INPUTS.items()
    }


def asked(
    typed: Release, backend: str, origins: tuple[Origin, Origin], **more: Any
) -> dict[str, Any]:
    files = origins[1]
    url = files.url(f"{typed.manifest['name']}/latest.json")
    return {"client": files.url("client"), "url": url, "backend": backend, **more}


def right(typed: Release, inputs: dict[str, Any]) -> dict[str, Any]:
    """What onnxruntime answers, where it was proved beside."""
    import onnxruntime

    session = onnxruntime.InferenceSession(typed.model / typed.artifact("onnx/fp32")["entry"])
    feeds = {
        name: np.array(tensor["data"], tensor["dtype"]).reshape(tensor["shape"])
        for name, tensor in inputs.items()
    }
    names = list(typed_model.OUTPUTS)
    return dict(zip(names, session.run(names, feeds), strict=True))


def test_proofs_take_the_dtypes_as_they_are(typed: Release) -> None:
    manifest = typed.manifest
    assert {spec["name"]: spec["dtype"] for spec in manifest["inputs"]} == typed_model.INPUTS
    assert {spec["name"]: spec["dtype"] for spec in manifest["outputs"]} == typed_model.OUTPUTS
    specs = [*manifest["inputs"], *manifest["outputs"]]
    assert {spec["name"] for spec in specs if spec.get("converted_from") == "float64"} == (
        typed_model.CONVERTED
    )
    proofs = {
        proof["backend"]: proof["status"]
        for artifact in manifest["artifacts"]
        for proof in artifact["validation"]
    }
    assert proofs == dict.fromkeys(["onnxruntime-cpu", *BACKENDS], "pass")
    assert manifest["canary"], "it is fed in these dtypes too"


#: Each runtime's backends, and nightly each engine.
FED = [("chromium", "tfjs-wasm"), ("chromium", "tfjs-webgl"), ("chromium", "ort-wasm"),
       nightly("firefox", "tfjs-wasm"), nightly("webkit", "ort-wasm"),
       nightly("firefox", "ort-wasm"), nightly("webkit", "tfjs-wasm")]  # fmt: skip


@pytest.mark.parametrize(("engine", "backend"), FED, indirect=["engine"])
def test_a_page_feeds_them_and_gets_the_promised_ones(
    typed_page: ScriptPage, typed: Release, origins: tuple[Origin, Origin], backend: str
) -> None:
    said = typed_page.run(PREDICT, **asked(typed, backend, origins, inputs=sample()))
    assert (said["info"]["backend"], said["info"]["tried"]) == (backend, [])
    wanted = right(typed, sample())
    for name, dtype in typed_model.OUTPUTS.items():
        output = said["outputs"][name]
        assert output["dtype"] == dtype
        kind = {"int64": "BigInt64Array", "bool": "Uint8Array"}.get(dtype)
        assert output["of"] == (kind or f"{dtype.capitalize()}Array")
        np.testing.assert_allclose(output["data"], wanted[name].ravel(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("engine", ["chromium"], indirect=True)
def test_an_integer_that_tfjs_cannot_hold_is_refused_by_name(
    typed_page: ScriptPage, typed: Release, origins: tuple[Origin, Origin]
) -> None:
    inputs = sample(ids=[2**31, 0, 0, 0])
    with pytest.raises(ScriptError, match=r"holds 2147483648: TF\.js has no integers") as told:
        typed_page.run(PREDICT, **asked(typed, "tfjs-wasm", origins, inputs=inputs))
    assert told.value.code == "input"


@pytest.fixture
def typed_page(engine: str, origins: tuple[Origin, Origin], pages: Pages) -> ScriptPage:
    return pages.open(engine, origins[0])
