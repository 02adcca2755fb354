"""The JSON Schemas of what is published, and the client's types, are those of the types here."""

from __future__ import annotations

import json
import os
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import pipeline
from pipeline.manifest.page import PageManifest
from pipeline.manifest.release import ReleaseManifest
from pipeline.manifest.schema import SCHEMAS, text


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_the_schema_is_current(path: Any) -> None:
    assert path.read_text() == text(SCHEMAS[path]), "run pipeline schema --write"


def test_the_clients_types_are_current(tmp_path: Path) -> None:
    client = Path(pipeline.__file__).parent / "client"
    script = json.loads((client / "package.json").read_text())["scripts"]["types"]
    path = f"{client / 'node_modules/.bin'}:{os.environ['PATH']}"
    aside = script.replace("--output ", f"--output {tmp_path}/")
    subprocess.run(["sh", "-c", aside], cwd=client, env={**os.environ, "PATH": path}, check=True)
    for name in ("manifest.d.ts", "page.d.ts"):
        assert (client / name).read_text() == (tmp_path / name).read_text(), "run npm run types"


def properties(kind: Any, *names: str) -> dict[str, Any]:
    schema = json.loads(text(kind))
    known = schema
    for name in names:
        known = schema["$defs"][name]
    found: dict[str, Any] = known["properties"]
    return found


def test_texts_below_keys_are_descriptions_inherited_ones_too() -> None:
    assert "tfjs-webgl@firefox" in properties(ReleaseManifest, "Measured")["target"]["description"]
    assert (
        "tfjs-webgl@firefox" in properties(ReleaseManifest, "Unavailable")["target"]["description"]
    )
    assert properties(ReleaseManifest, "LowestAccuracy").keys() > {"value", "low", "baseline"}


def test_what_a_task_measures_of_answers_stands_in_parity() -> None:
    assert properties(ReleaseManifest, "Parity")["top1_agreement"]["anyOf"][0]["maximum"] == 1


def test_what_is_closed_takes_no_other_key_and_what_is_open_does() -> None:
    schema = json.loads(text(ReleaseManifest))
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Runtime"]["additionalProperties"] is False
    for name in ("Source", "Artifact", "Measured", "Parity"):
        assert "additionalProperties" not in schema["$defs"][name], name


def test_page_json_names_nothing_that_the_manifest_has_not() -> None:
    whole = properties(ReleaseManifest)
    assert properties(PageManifest).keys() <= whole.keys()
    artifact = properties(ReleaseManifest, "Artifact")
    assert properties(PageManifest, "PageArtifact").keys() <= artifact.keys()


CANARY = {"dtype": "uint8", "shape": [1, 4], "grid": [1, 2], "values": [1, 2]}


@pytest.mark.parametrize(
    ("change", "valid"),
    [({}, True), ({"values": None}, False), ({"more": 1}, False), ({"shape": [0]}, False)],
)
def test_a_canary_input_is_checked(change: dict[str, Any], valid: bool) -> None:
    schema = json.loads(text(ReleaseManifest))
    one = {"$defs": schema["$defs"], "$ref": "#/$defs/CanaryInput"}
    given = {key: value for key, value in {**deepcopy(CANARY), **change}.items() if value}
    assert jsonschema.Draft202012Validator(one).is_valid(given) is valid
