"""A page asks a model of texts, whose tokenizer is a file of the release."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from client_fixtures import Site
from client_page import ScriptPage
from client_release import ROOT, Release, publish
from filelock import FileLock
from test_model import LOADED

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("engine", ["chromium"], indirect=True),
]

CONFIG = ROOT / "configs" / "text-labels.yaml"


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory, store: Path, building: FileLock) -> Release:
    """One artifact of the config."""
    config = yaml.safe_load(CONFIG.read_text())
    bundled = ROOT / "pipeline" / "bundled"
    config["samples"] = {"jsonl": str(bundled / "text_labels.jsonl")}
    config["input"] = {"text": str(bundled / "text_labels.tokenizer.json")}
    # The test site has one model.
    config |= {"name": "mobilenet", "variants": {"fp32": {}}, "export": {"tfjs-graph": {}}}
    config["validate"] = {"backends": ["tfjs-wasm"], "repeats": 3}
    with building:
        return publish(config, tmp_path_factory.mktemp("text-release"), store)


ASK = f"""{LOADED}
const one = await model.classify("Where is my lamp? Thank you.", {{ threshold: 0.6 }});
const both = await model.classify(["This is urgent.", "My password does not work any more."]);
const began = performance.now();
for (let i = 0; i < 20; i++) await model.classify("Where is my lamp?");
const ms = (performance.now() - began) / 20;
const refused = await model.classify(7).catch((error) => `${{error.code}}: ${{error.message}}`);
await model.dispose();
return {{ one, artifact: one.artifact, both, refused, ms }};
"""


def test_a_page_gets_the_labels_of_texts(page: ScriptPage, site: Site, release: Release) -> None:
    names = [file["name"] for file in release.manifest["runtimes"]["text-classification"]["files"]]
    assert names == ["text-classification.js", "tokenizer"]
    assert "text_labels" not in str(release.manifest["input"]), "no path of this machine"
    site.publish(release)
    said = page.run(ASK, client=site.client, url=site.latest, options={})
    matched = [{one["label"] for one in said["one"] if one["match"]}]
    matched += [{one["label"] for one in text if one["match"]} for text in said["both"]]
    assert matched == [{"delivery", "thanks"}, {"urgent"}, {"account"}]
    assert said["artifact"] == "tfjs-graph/fp32"
    assert said["refused"] == "input: give a text, several, or { question, context } of texts"
