"""The bill of materials of a release: CycloneDX 1.6, with the model card (an ML-BOM)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.base.files import write_aside
from pipeline.base.tools import OURSELVES
from pipeline.publish.release.model_card import model_card

if TYPE_CHECKING:
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component

    from pipeline.manifest.artifact import Artifact, File
    from pipeline.manifest.release import ReleaseManifest, Runtime, RuntimeFile, Source

BOM = "bom.cdx.json"

#: Serial numbers are derived from release ids, so that a release has one and the same for ever.
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://cyclonedx.org/bom/model-pipeline")

_HEAD = ("$schema", "bomFormat", "specVersion", "serialNumber", "version", "metadata")


def write(manifest: ReleaseManifest, folder: Path) -> None:
    """Write ``bom.cdx.json`` beside a manifest."""
    write_aside(folder / BOM, encode(manifest))


def encode(manifest: ReleaseManifest) -> bytes:
    """The bytes of ``bom.cdx.json``: the same for the same manifest."""
    return json.dumps(bom(manifest), indent=1).encode()


def bom(manifest: ReleaseManifest) -> dict[str, Any]:
    """A manifest, with ``release`` and ``created``, as a CycloneDX document."""
    from cyclonedx.output.json import JsonV1Dot6

    document: dict[str, Any] = json.loads(JsonV1Dot6(_bom(manifest)).output_as_string())
    # cyclonedx-python-lib knows no model cards yet; the specification and its schema do.
    document["metadata"]["component"]["modelCard"] = model_card(manifest)
    # What it is comes first, for those who open it.
    return {key: document[key] for key in _HEAD} | document


def _bom(manifest: ReleaseManifest) -> Bom:
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.tool import ToolRepository

    model = _model(manifest)
    parts = [_artifact(artifact) for artifact in manifest["artifacts"]]
    parts += [_runtime(*runtime) for runtime in manifest.get("runtimes", {}).items()]
    tools = ToolRepository(components=[_tool(*tool) for tool in manifest["tools"].items()])
    created = datetime.fromisoformat(manifest["created"])
    document = Bom(
        serial_number=uuid.uuid5(_NAMESPACE, f"{manifest['name']}/{manifest['release']}"),
        metadata=BomMetaData(component=model, timestamp=created, tools=tools),
        components=parts,
    )
    document.register_dependency(model, parts)
    return document


def _model(manifest: ReleaseManifest) -> Component:
    """The release as a whole; what it was made of is its ancestor."""
    from cyclonedx.model.component import Component, ComponentType, Pedigree

    return Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref="model",
        name=manifest["name"],
        version=manifest["release"],
        description=manifest["description"] or None,
        licenses=[_license(manifest["license"])],
        pedigree=Pedigree(ancestors=[_source(manifest["source"])]),
    )


def _source(source: Source) -> Component:
    """The pre-trained model, whose digest is that of all its files; its options as properties."""
    from cyclonedx.model.component import Component, ComponentType

    facts = source.get("facts") or {}
    plain = {key: value for key, value in source.items() if key not in ("sha256", "facts")}
    return Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref="source",
        name=str(facts.get("name") or source.get("name") or source["kind"]),
        description=facts.get("description"),
        licenses=[_license(facts["license"])] if facts.get("license") else (),
        hashes=[_sha256(source["sha256"])],
        properties=_properties({f"source:{key}": value for key, value in plain.items()}),
    )


def _artifact(artifact: Artifact) -> Component:
    """One artifact, its files inside of it."""
    from cyclonedx.model.component import Component, ComponentType

    facts = {
        "format": artifact["format"],
        "variant": artifact["variant"],
        "entry": artifact["entry"],
        "bytes": artifact["bytes"],
    }
    return Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=artifact["id"],
        name=artifact["id"],
        components=_files(artifact["id"], artifact["files"]),
        properties=_properties({f"artifact:{key}": value for key, value in facts.items()}),
    )


#: Beginning of a runtime's name -> the package that it is bundled from, and its licence.
_PACKAGES = {"tfjs": ("@tensorflow/tfjs", "Apache-2.0"), "ort": ("onnxruntime-web", "MIT")}


def _runtime(name: str, runtime: Runtime) -> Component:
    """The code that runs artifacts on one backend in browsers."""
    from cyclonedx.model.component import Component, ComponentType

    package, licence = _PACKAGES.get(name.partition("-")[0], (None, None))
    return Component(
        type=ComponentType.LIBRARY,
        bom_ref=f"runtime {name}",
        name=name,
        version=runtime["version"],
        purl=_purl(package, runtime["version"]) if package else None,
        licenses=[_license(licence)] if licence else (),
        components=_files(name, runtime["files"]),
    )


def _files(owner: str, files: Iterable[File | RuntimeFile]) -> list[Component]:
    from cyclonedx.model.component import Component, ComponentType

    return [
        Component(
            type=ComponentType.FILE,
            # Artifacts share files; references are unique.
            bom_ref=f"{owner} {file['path']}",
            name=file["path"],
            hashes=[_sha256(file["sha256"])],
            properties=_properties({"file:bytes": file["bytes"]}),
        )
        for file in files
    ]


def _tool(name: str, version: str) -> Component:
    from cyclonedx.model.component import Component, ComponentType

    if name == OURSELVES:
        return Component(type=ComponentType.APPLICATION, name=name, version=version)
    purl = _purl(name, version)
    return Component(type=ComponentType.LIBRARY, name=name, version=version, purl=purl)


def _purl(name: str, version: str) -> Any:
    """Where vulnerability scanners look a package up: of npm those with a scope, or for the web."""
    from packageurl import PackageURL

    scope, _, short = name.rpartition("/")
    index = "npm" if scope or name.endswith("-web") else "pypi"
    return PackageURL(index, scope or None, short, version)


def _license(expression: str) -> Any:
    from cyclonedx.contrib.license.factories import LicenseFactory

    return LicenseFactory().make_from_string(expression)


def _sha256(digest: str) -> Any:
    from cyclonedx.model import HashAlgorithm, HashType

    return HashType(alg=HashAlgorithm.SHA_256, content=digest)


def _properties(values: Mapping[str, object]) -> list[Any]:
    from cyclonedx.model import Property

    return [Property(name=f"{OURSELVES}:{key}", value=str(value)) for key, value in values.items()]
