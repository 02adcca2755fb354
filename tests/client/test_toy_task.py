"""A task that is one folder more: its code is bundled, loaded and typed, its panel is shown."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest
from client_fixtures import Site
from client_page import ScriptPage
from client_release import ROOT, Release, apart, config, publish
from client_site import Origin, running
from client_tiers import Manifest, edited
from demo_page import DemoPage
from filelock import FileLock
from test_demo import TYPES, png
from test_model import LOADED, pngs

from pipeline.bundled.digits import digits

TOY = Path(__file__).parent / "toy_task" / "largest_class"
TASK = "largest-class"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("engine", ["chromium"], indirect=True),
]


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as it is, with one folder more."""
    folder = tmp_path_factory.mktemp("toy")
    package, source = folder / "pipeline", ROOT / "pipeline"
    (package / "tasks").mkdir(parents=True)
    for home in (source, source / "tasks"):
        for path in home.iterdir():
            if path != source / "tasks" and path.name != "__pycache__":
                (package / path.relative_to(source)).symlink_to(path)
    shutil.copytree(TOY, package / "tasks" / TOY.name)
    return folder


@pytest.fixture(scope="session")
def release(
    package: Path, tmp_path_factory: pytest.TempPathFactory, store: Path, building: FileLock
) -> Release:
    """What that package builds, proves and publishes for a model of the task."""
    toy = config({"bundled": "mobilenet_digits"}, ["tfjs-wasm"])
    toy["task"] = {TASK: {"among": 10}}
    toy["export"] = {"tfjs-graph": {}}
    toy["validate"]["gates"] = {"default": {"toy_agreement": 0.9, "accuracy_drop": 20.0}}
    with building:
        command = partial(apart, package=package)
        return publish(toy, tmp_path_factory.mktemp("toy-release"), store, command)


def test_its_own_metrics_are_measured_and_gated(engine: str, release: Release) -> None:
    manifest = release.manifest
    source = manifest["accuracy"]
    said = {"metric": "toy_distance", "words": "mean distance", "unit": "px", "better": "lower"}
    assert manifest["task"] == TASK and said.items() <= source.items()
    assert source["low"] < source["value"] < source["high"] and source["value"] > 1, "no share"
    # Eight of the model's for one of the image's, in which the answer is.
    assert source["value"] * source["samples"] % 125 == pytest.approx(0, abs=1e-6)
    for artifact in manifest["artifacts"]:
        worst = max(proof["accuracy"]["value"] for proof in artifact["validation"])
        assert artifact["accuracy"]["value"] == worst and artifact["accuracy"]["less"][1] < 20
        for proof in artifact["validation"]:
            assert proof["status"] == "pass"
            assert proof["parity"]["toy_agreement"] >= proof["gates"]["toy_agreement"] == 0.9
            assert "top1_agreement" not in proof["parity"]


def test_the_report_shows_its_samples(engine: str, release: Release) -> None:
    folder = release.model / "releases" / release.manifest["release"]
    report = (folder / "report.html").read_text()
    assert "same largest" in report
    distance = f"{release.manifest['accuracy']['value']:.3g} px"
    assert "Source’s mean distance" in report and f"<dd>{distance}</dd>" in report
    assert '<th scope="col">Mean distance</th>' in report and "mean distance added" in report
    assert "the toy&#39;s largest" in report and "wanted " in report
    assert "ccuracy" not in report


def test_nobody_calls_its_measure_an_accuracy(engine: str, release: Release) -> None:
    """In Markdown, on the pages of the CDN folder, and in the model card."""
    folder = release.model / "releases" / release.manifest["release"]
    distance = f"{release.manifest['accuracy']['value']:.3g} px"
    markdown = (folder / "report.md").read_text()
    assert "| Mean distance |" in markdown and f"mean distance {distance} on" in markdown
    pages = [(release.cdn / "index.html").read_text(), (release.model / "index.html").read_text()]
    assert all(f"mean distance {distance} on test samples" in page for page in pages)
    assert '<th scope="col" class="number">Mean distance</th>' in pages[1]
    assert "const { index } = await model.largest(image);" in pages[1], "as the task has it"
    card = (folder / "bom.cdx.json").read_text()
    assert '"mean distance, px"' in card
    assert not [text for text in (markdown, *pages, card) if "ccuracy" in text or "ight on" in text]


ASK = f"""{LOADED}
const file = image(args.images[0]);
const once = await model.largest(file);
const {{ lead }} = await model.largest(file, {{ times: 100 }});
const {{ methods }} = model.info;
await model.dispose();
return {{ once, times: lead / once.lead, methods, classify: typeof model.classify }};
"""


def test_pages_know_the_tasks_options(
    page: ScriptPage, site: Site, release: Release, tmp_path: Path
) -> None:
    """As Python does: only so many outputs count."""

    def change(manifest: Manifest) -> None:
        assert manifest["task_options"] == {"among": 10}
        manifest["task_options"]["among"] = 2

    site.publish(edited(release, tmp_path, change))
    said = page.run(ASK, client=site.client, url=site.latest, images=pngs(1), options={})
    assert said["once"]["index"] in (0, 1) and digits("test")[1][0] > 1


@pytest.mark.parametrize("worker", [True, False])
def test_a_model_has_the_tasks_own_method(
    page: ScriptPage, site: Site, release: Release, worker: bool
) -> None:
    site.publish(release)
    options = {"worker": worker}
    said = page.run(ASK, client=site.client, url=site.latest, images=pngs(1), options=options)
    assert said["methods"] == ["largest"] and said["classify"] == "undefined"
    once = said["once"]
    assert (once["index"], once["of"]) == (int(digits("test")[1][0]), "mobilenet")
    assert once["x"] == once["index"] * 1000 / 8, "in pixels of the image, eight times smaller"
    assert once["shape"] == [1, 64, 64, 3] and once["artifact"].endswith("/uint8")
    assert said["times"] == pytest.approx(100)


def test_its_types_are_in_the_list(release: Release, engine: str) -> None:
    types = release.cdn / "client" / "tasks"
    listed = (types / "index.d.ts").read_text()
    assert f'"{TASK}": import("./{TOY.name}/methods.js").default;' in listed
    assert (types / TOY.name / "methods.d.ts").is_file()


def test_the_demo_shows_its_panel(engine: str, release: Release) -> None:
    types = {pattern: {"Content-Type": kind} for pattern, kind in TYPES.items()}
    served = Origin({"Cache-Control": "no-cache"}, {"/": release.cdn}, extra_headers=types)
    served.put("demo/", (release.cdn / "demo" / "index.html").read_bytes())
    with running(served):
        demo = DemoPage(engine, served.url("demo/"))
        try:
            demo.give("#file", {"three.png": png("3")})
            demo.until("document.querySelector('.largest')?.textContent", "the toy's answer")
            assert demo.text(".largest") == "mobilenet says 3"
            assert "mean distance" in demo.text("#about") and "px on 360 test" in demo.text(
                "#about"
            )
            colour = demo.get("getComputedStyle(document.querySelector('.largest')).fontSize")
            assert colour == "48px", "its style sheet came too"
            assert demo.get("document.querySelectorAll('.views .own').length") == 0
            demo.click("#compare")
            demo.until("document.querySelector('#verdict').textContent", "the comparison")
            assert demo.text("#verdict").startswith("A says 3, B 3.")
            assert "model.largest(image)" in demo.text("#snippet")
            assert demo.wrong() == []
        finally:
            demo.close()
    asked = {request.path for request in served.seen()}
    assert not [path for path in asked if "image_classification" in path], "only its own panel came"


def test_a_model_that_takes_tensors_has_a_plain_page(
    engine: str, published: Release, tmp_path: Path
) -> None:
    """Its inputs by name and shape, run on the sample of the release, and compared by numbers."""

    def change(manifest: Manifest) -> None:
        del manifest["runtimes"][manifest["task"]]

    release = edited(published, tmp_path, change)
    types = {pattern: {"Content-Type": kind} for pattern, kind in TYPES.items()}
    served = Origin({"Cache-Control": "no-cache"}, {"/": release.cdn}, extra_headers=types)
    served.put("demo/", (release.cdn / "demo" / "index.html").read_bytes())
    with running(served):
        demo = DemoPage(engine, served.url("demo/"))
        try:
            demo.until("document.querySelector('.answer:not([hidden]) .tensor')", "outputs")
            assert demo.text("#stage .tensor").startswith("image float32 [n, 64, 64, 3]")
            assert demo.text(".answer .tensor").startswith("probabilities float32 [1, 10]")
            demo.click("#compare")
            demo.until("document.querySelector('#verdict').textContent", "the comparison")
            assert demo.text("#verdict").startswith("probabilities differs by 0.")
            demo.click("#time")
            demo.until("document.querySelector('.stats').textContent.includes('of 20')", "runs")
            assert "model.predict({" in demo.text("#snippet")
            assert demo.wrong() == []
        finally:
            demo.close()
