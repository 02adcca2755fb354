"""A page asks a model of texts, whose tokenizer is a file of the release, and the demo shows it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from client_fixtures import Site
from client_page import ScriptPage
from client_release import ROOT, Release, publish
from client_site import Origin, running
from demo_page import DemoPage
from filelock import FileLock
from test_demo import AXE, check_phone, demo_origin
from test_model import LOADED

pytestmark = pytest.mark.browser

in_chromium = pytest.mark.parametrize("engine", ["chromium"], indirect=True)


def config_of(name: str) -> dict[str, Any]:
    """One artifact of a config that ships, which reads the bundled files of that name."""
    config: dict[str, Any] = yaml.safe_load((ROOT / "configs" / f"{name}.yaml").read_text())
    config["samples"]["jsonl"] = bundled(config["samples"]["jsonl"])
    text = config["input"]["text"]
    own = {"tokenizer": text} if isinstance(text, str) else text
    config["input"]["text"] = {**own, "tokenizer": bundled(own["tokenizer"])}
    # The test site has one model.
    config |= {"name": "mobilenet", "variants": {"fp32": {}}, "export": {"tfjs-graph": {}}}
    return {**config, "validate": {"backends": ["tfjs-wasm"], "repeats": 3}}


def bundled(path: str) -> str:
    return str(ROOT / "pipeline" / "bundled" / Path(path).name)


@pytest.fixture(scope="session")
def labels(tmp_path_factory: pytest.TempPathFactory, store: Path, building: FileLock) -> Release:
    with building:
        folder = tmp_path_factory.mktemp("labels-release")
        return publish(config_of("text-labels"), folder, store)


@pytest.fixture(scope="session")
def answers(tmp_path_factory: pytest.TempPathFactory, store: Path, building: FileLock) -> Release:
    with building:
        folder = tmp_path_factory.mktemp("answers-release")
        return publish(config_of("question-answers"), folder, store)


#: Labels of the answer in the demo that match, sorted.
CHOSEN = (
    "[...document.querySelectorAll('.bars .chosen .label')].map((l) => l.textContent).sort().join()"
)


MARKED = "[...document.querySelectorAll('#marks .best')].map((mark) => mark.textContent).join()"


@contextmanager
def demo_of(release: Release) -> Iterator[tuple[DemoPage, Origin]]:
    """The demo of a release, open in Chromium, and where it lies."""
    with running(demo_origin(release)) as origin:
        demo = DemoPage("chromium", origin.url("demo/"))
        try:
            yield demo, origin
        finally:
            demo.close()


def check_sound(demo: DemoPage) -> None:
    """It fits a phone, axe finds no fault in either scheme, and nothing went wrong unseen."""
    check_phone(demo)
    for scheme in ("light", "dark"):
        demo.driver.page.emulate_media(color_scheme=scheme)
        demo.run(AXE.read_text())
        found = "(await axe.run()).violations.map((v) => [v.id, v.nodes.map((n) => n.html)])"
        assert demo.get(found) == []
    assert demo.wrong() == []


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


@in_chromium
def test_a_page_gets_the_labels_of_texts(page: ScriptPage, site: Site, labels: Release) -> None:
    names = [file["name"] for file in labels.manifest["runtimes"]["text-classification"]["files"]]
    assert names == ["text-classification.js", "tokenizer"]
    assert "text_labels" not in str(labels.manifest["input"]), "no path of this machine"
    site.publish(labels)
    said = page.run(ASK, client=site.client, url=site.latest, options={})
    matched = [{one["label"] for one in said["one"] if one["match"]}]
    matched += [{one["label"] for one in text if one["match"]} for text in said["both"]]
    assert matched == [{"delivery", "thanks"}, {"urgent"}, {"account"}]
    assert said["artifact"] == "tfjs-graph/fp32"
    assert said["refused"] == "input: give a text, several, or { question, context } of texts"


def test_the_demo_tells_labels_as_one_types(labels: Release) -> None:
    with demo_of(labels) as (demo, _):
        assert demo.text(".waiting") == "Type a text, or pick one."
        page = demo.driver.page
        page.locator("#text").press_sequentially("This is urgent")
        demo.until("document.querySelector('.top-label').textContent === 'urgent'", "its label")
        page.locator("#text").press_sequentially(". Where is my lamp?")
        demo.until(f"{CHOSEN} === 'delivery,urgent'", "both labels")
        assert page.locator(".bars li").count() == 6
        demo.click(".example-list button", 0)
        demo.until(f"{CHOSEN} === 'thanks'", "the label of what was picked")
        demo.click("#clear")
        demo.until("document.querySelector('.answer').hidden", "no answer to no text")
        page.locator("#text").fill("Please hurry.")
        demo.click("#compare")
        demo.until("/^Both say: urgent/.test(document.querySelector('#verdict').textContent)", "it")
        check_sound(demo)


PASSAGE = "Omar works as a baker in Lisbon. On Monday, Tina bought a lamp for 20 euros."
ASK_QUESTIONS = f"""{LOADED}
const context = "👍 {PASSAGE}";
const long = context + " Sam is a cook in Oslo.".repeat(12);
const one = await model.answer({{ question: "Who bought the lamp?", context }});
const both = await model.answer([
  {{ question: "Where does Omar work?", context }},
  {{ question: "How much did the lamp cost?", context: long }},
], {{ max: 1 }});
const refused = await model.answer("a text").catch(String);
await model.dispose();
const cut = one.map(({{ start, end }}) => context.slice(start, end));
return {{ one, cut, artifact: one.artifact, both, refused }};
"""


@in_chromium
def test_a_page_gets_answers_to_questions(page: ScriptPage, site: Site, answers: Release) -> None:
    """Places are UTF-16, and a long text is read through windows."""
    site.publish(answers)
    said = page.run(ASK_QUESTIONS, client=site.client, url=site.latest, options={})
    assert said["one"][0]["text"] == "Tina" and 0.5 < said["one"][0]["score"] <= 1
    assert said["cut"] == [one["text"] for one in said["one"]]
    assert [[one["text"] for one in found] for found in said["both"]] == [["Lisbon"], ["20 euros"]]
    assert said["artifact"] == "tfjs-graph/fp32"
    assert "give { question, context } of texts, or several" in said["refused"]


def test_the_demo_marks_answers_in_the_text_and_works_offline(answers: Release) -> None:
    with demo_of(answers) as (demo, origin):
        page = demo.driver.page
        page.locator("#text").fill(PASSAGE)
        page.locator("#question").press_sequentially("Who bought the lamp?")
        demo.until(f"{MARKED} === 'Tina'", "the answer to be marked")
        assert demo.text(".said-large") == "Tina"
        page.locator("#question").fill("Where does Omar work?")
        demo.until(f"{MARKED} === 'Lisbon'", "another one")
        demo.click(".answers button")
        selected = "((t) => t.value.slice(t.selectionStart, t.selectionEnd))"
        assert demo.get(f"{selected}(document.querySelector('#text'))") == "Lisbon"
        page.locator("#text").press_sequentially("Rome")
        demo.until(f"{MARKED} === 'Rome'", "the text that is changed to be read anew")
        demo.click("#clear")
        demo.until(f"{MARKED} === ''", "nothing to be marked")
        demo.click(".example-list button", 1)
        demo.click("#questions button", 1)
        demo.until("!document.querySelector('.answer').hidden", "an answer, or none")
        check_sound(demo)
        demo.until("navigator.serviceWorker.controller", "the service worker")
        origin.go_offline()
        demo.load()
        page.locator("#text").fill(PASSAGE)
        page.locator("#question").fill("Who bought the lamp?")
        demo.until(f"{MARKED} === 'Tina'", "an answer without network")
