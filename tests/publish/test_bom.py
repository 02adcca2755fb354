from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import manifests
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from pipeline.publish.release.bom import BOM, bom, write


def problems(document: dict[str, Any]) -> list[str]:
    """What CycloneDX's own schema says against a document."""
    found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(
        json.dumps(document), all_errors=True
    )
    return [str(error) for error in found or ()]


def shipped() -> dict[str, Any]:
    """A manifest whose artifacts share a file, with a runtime."""
    made = manifests.manifest()
    shared = {"path": "files/" + "a" * 64 + ".bin", "sha256": "a" * 64, "bytes": 10}
    for number, artifact in enumerate(made["artifacts"]):
        own = f"{number}" * 64
        artifact["files"] = [{"path": f"files/{own}.json", "sha256": own, "bytes": 7}, shared]
    code = {"path": "runtimes/" + "b" * 64 + ".js", "sha256": "b" * 64, "bytes": 9}
    made["runtimes"] = {"tfjs-wasm": {"entry": code["path"], "files": [code], "version": "4.22.0"}}
    made["accuracy"] |= {"low": 0.97, "high": 0.995}
    return made


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return bom(shipped())


def slice_of(document: dict[str, Any], where: str) -> dict[str, dict[str, Any]]:
    card = document["metadata"]["component"]["modelCard"]
    metrics = card["quantitativeAnalysis"]["performanceMetrics"]
    return {metric["type"]: metric for metric in metrics if metric["slice"] == where}


@pytest.mark.parametrize(
    "manifest",
    [shipped(), manifests.manifest(), manifests.failed(), manifests.manifest(license="see URL")],
    ids=["shipped", "plain", "failed", "another licence"],
)
def test_it_keeps_the_schema_of_cyclonedx(manifest: dict[str, Any]) -> None:
    assert problems(bom(manifest)) == []


def test_the_schema_would_tell(document: dict[str, Any]) -> None:
    broken = json.loads(json.dumps(document))
    card = broken["metadata"]["component"]["modelCard"]
    card["quantitativeAnalysis"]["performanceMetrics"][0]["value"] = 0.5
    assert len(problems(broken)) == 1


def test_it_names_licence_source_and_tools(document: dict[str, Any]) -> None:
    model = document["metadata"]["component"]
    assert (model["type"], model["name"]) == ("machine-learning-model", "digits")
    assert model["version"] == "0123456789abcdef"
    assert model["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    (source,) = model["pedigree"]["ancestors"]
    assert source["hashes"] == [{"alg": "SHA-256", "content": "0" * 64}]
    tools = {tool["name"]: tool for tool in document["metadata"]["tools"]["components"]}
    assert tools["tensorflow"]["purl"] == "pkg:pypi/tensorflow@2.21.0"
    assert tools["model-pipeline"]["version"] == "0.1.0"


def test_npm_packages_are_named_as_such() -> None:
    tools = {"@tensorflow/tfjs": "4.22.0", "onnxruntime-web": "1.30.0", "onnxruntime": "1.31.1"}
    found = bom(manifests.manifest(tools=tools))["metadata"]["tools"]["components"]
    assert {tool["purl"] for tool in found} == {
        "pkg:npm/%40tensorflow/tfjs@4.22.0",
        "pkg:npm/onnxruntime-web@1.30.0",
        "pkg:pypi/onnxruntime@1.31.1",
    }


def test_every_file_of_every_artifact_and_runtime_has_its_digest(document: dict[str, Any]) -> None:
    made = shipped()
    owners = {one["id"]: one["files"] for one in made["artifacts"]}
    owners |= {name: one["files"] for name, one in made["runtimes"].items()}
    found = {part["name"]: part["components"] for part in document["components"]}
    assert found.keys() == owners.keys()
    for owner, files in owners.items():
        digests = {file["name"]: file["hashes"][0]["content"] for file in found[owner]}
        assert digests == {file["path"]: file["sha256"] for file in files}


def test_runtimes_name_their_package_and_licence(document: dict[str, Any]) -> None:
    (runtime,) = (part for part in document["components"] if part["type"] == "library")
    assert runtime["purl"] == "pkg:npm/%40tensorflow/tfjs@4.22.0"
    assert runtime["licenses"] == [{"license": {"id": "Apache-2.0"}}]


def test_what_was_measured_is_told_of_each_artifact_and_target(document: dict[str, Any]) -> None:
    told = slice_of(document, "tfjs-graph/uint8 on tfjs-wasm@chromium")
    assert told["parity max_abs_error"]["value"] == "0.17"
    assert told["accuracy"]["value"] == "0.98"
    assert told["latency median_ms"]["value"] == "1.5"
    ratio = told["latency relative to tfjs-graph/fp32"]
    assert ratio["confidenceInterval"] == {"lowerBound": "0.85", "upperBound": "0.95"}
    source = slice_of(document, "source")["accuracy"]
    assert source["confidenceInterval"] == {"lowerBound": "0.97", "upperBound": "0.995"}


def test_what_could_not_run_is_no_metric_but_said(document: dict[str, Any]) -> None:
    assert not slice_of(document, "tfjs-graph/uint8 on tfjs-webgpu@webkit")
    card = document["metadata"]["component"]["modelCard"]
    said = "\n".join(card["considerations"]["technicalLimitations"])
    assert "not proved on tfjs-webgpu@webkit: WebKitGTK has no navigator.gpu" in said
    assert "tfjs-webgl@firefox ran on a software rasterizer (SwiftShader)" in said


def test_the_same_release_gives_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write(shipped(), tmp_path / folder)
    assert (tmp_path / "a" / BOM).read_bytes() == (tmp_path / "b" / BOM).read_bytes()


def test_another_release_has_another_serial_number(document: dict[str, Any]) -> None:
    other = bom(shipped() | {"release": "f" * 16})
    assert other["serialNumber"] != document["serialNumber"]
