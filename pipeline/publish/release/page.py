"""``page.json``: what a page needs of a release's manifest, which is many times as large.

It says nothing of its own, so that anyone who has the manifest can tell whether it is right.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import manifest as manifests

if TYPE_CHECKING:
    from pipeline.manifest.artifact import Artifact
    from pipeline.manifest.proof import Validation
    from pipeline.manifest.release import Manifest

#: Names what is kept; the client's types are generated from it too.
SCHEMA = Path(manifests.__file__).parent / "page.schema.json"


def encode(manifest: Manifest) -> bytes:
    """The file, for a release's whole manifest: the same bytes at every call.

    Published ones never change: whoever changes what is kept has to keep this too, for ``verify``.
    """
    schema = json.loads(SCHEMA.read_text())
    shortened = _keep_named(_proved_in_browsers(manifest), schema, schema["$defs"])
    return json.dumps(shortened, ensure_ascii=False, separators=(",", ":")).encode()


def _proved_in_browsers(manifest: Mapping[str, Any]) -> dict[str, Any]:
    artifacts = [
        {**artifact, "validation": _in_browsers(artifact)} for artifact in manifest["artifacts"]
    ]
    kept = {**manifest, "artifacts": artifacts}
    if region := manifest.get("region"):
        kept["region"] = {**region, "detector": _proved_in_browsers(region["detector"])}
    return kept


def _in_browsers(artifact: Artifact) -> list[Validation]:
    """Proofs of what no page runs are of no use to any."""
    return [proof for proof in artifact.get("validation", []) if "@" in proof["target"]]


def _keep_named(value: Any, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
    """What a schema names of a value."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        if value is None:
            return None
        schema = next(branch for branch in schema["anyOf"] if branch.get("type") != "null")
        return _keep_named(value, schema, definitions)
    if schema.get("additionalProperties") is True:
        return value
    if isinstance(value, dict):
        named, others = schema.get("properties", {}), schema.get("additionalProperties")
        return {
            key: _keep_named(child, named.get(key, others), definitions)
            for key, child in value.items()
            if key in named or others
        }
    if isinstance(value, list):
        return [_keep_named(item, schema["items"], definitions) for item in value]
    return value
