"""The demo page as people use it, in every engine, as it is published."""

from __future__ import annotations

import base64
import io
import json
import math
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from client_release import Release
from client_site import Origin, running
from demo_page import LOADED, WAIT_S, DemoPage, Point
from nightly import CHROMIUM_FIRST
from numpy.typing import NDArray
from PIL import Image

from pipeline.backends.web.engine import engines
from pipeline.backends.web.install import find_browser
from pipeline.bundled.digits import digits
from pipeline.inputs.image.options import ImageOptions
from pipeline.inputs.image.preprocess import apply

AXE = Path(__file__).parents[2] / "pipeline/client/node_modules/axe-core/axe.min.js"
TYPES = {
    "*.css": "text/css",
    "*.svg": "image/svg+xml",
    "*.webmanifest": "application/manifest+json",
}

#: For what is of the page, not of the engine, or what only Playwright can do.
in_chromium = pytest.mark.parametrize("demo", ["chromium"], indirect=True, scope="module")

Stroke = list[Point]


def demo_origin(release: Release) -> Origin:
    """A release's CDN folder on a plain web server."""
    types = {pattern: {"Content-Type": kind} for pattern, kind in TYPES.items()}
    # Nothing is forbidden to be kept, and everything is asked for again.
    served = Origin({"Cache-Control": "no-cache"}, {"/": release.cdn}, extra_headers=types)
    for folder in ("", "demo/"):
        served.put(folder, (release.cdn / folder / "index.html").read_bytes())
    return served


@pytest.fixture(scope="module")
def origin(published: Release) -> Iterator[Origin]:
    with running(demo_origin(published)) as served:
        yield served


@pytest.fixture(scope="module", params=CHROMIUM_FIRST)
def demo(request: pytest.FixtureRequest, origin: Origin) -> Iterator[DemoPage]:
    """The page in Chromium, and nightly in each engine: one test goes on where another ended."""
    if reason := engines()[request.param].unavailable():
        pytest.skip(f"{request.param}: {reason}; `make setup` installs it where it may")
    page = DemoPage(request.param, origin.url("demo/"))
    yield page
    page.close()


def oval(x: float, y: float, wide: float, high: float) -> Stroke:
    """Drawn from its top, clockwise."""
    turns = [math.tau * i / 20 for i in range(21)]
    return [(x + wide * math.sin(turn), y - high * math.cos(turn)) for turn in turns]


DRAWN = {
    "1": [[(0.42, 0.28), (0.53, 0.17), (0.53, 0.83)]],
    "4": [[(0.55, 0.17), (0.3, 0.6), (0.75, 0.6)], [(0.6, 0.4), (0.6, 0.84)]],
    "7": [[(0.3, 0.2), (0.7, 0.2), (0.45, 0.85)]],
    # As small as a thumb draws it, in a corner.
    "0": [oval(0.25, 0.25, 0.08, 0.13)],
}


def answer(page: DemoPage) -> str:
    """The class of the first side, once it is there."""
    page.until("document.querySelector('.side .answer:not([hidden])')", "an answer")
    return page.text(".top-label")


def pick(page: DemoPage, label: str, row: int = 0) -> None:
    """Pick a sample, and wait until it was looked at."""
    page.click(f"[aria-label='Sample of a {label}']", row)
    page.until(
        "document.querySelector('.sample-list [aria-pressed=true]')", "a sample to be picked"
    )


def test_says_what_runs_where_and_why(demo: DemoPage) -> None:
    stats = demo.text(".stats")
    assert "tfjs-wasm" in stats or "ort-wasm" in stats
    assert "in a worker" in stats
    assert demo.get("document.querySelectorAll('.files tbody tr').length") >= 3
    assert demo.get("document.querySelector('.why').textContent.length") > 20


def test_reads_what_is_drawn(demo: DemoPage) -> None:
    for label, strokes in DRAWN.items():
        demo.draw(strokes)
        demo.until(
            "document.querySelector('.top-label').textContent === args.label",
            f"a {label}",
            label=label,
        )
        demo.click("#clear")
        demo.until("document.querySelector('.side .answer').hidden", "the answer to go")


def test_reads_every_sample(demo: DemoPage) -> None:
    for row in range(3 if demo.engine == "chromium" else 1):
        for label in "0123456789":
            pick(demo, label, row)
            expected = "document.querySelector('.top-label').textContent === args.label"
            demo.until(expected, f"sample {row} of a {label}", label=label)


def test_reads_a_photo(demo: DemoPage) -> None:
    demo.give("#file", {"three.png": png("3")})
    demo.until("document.querySelector('.top-label').textContent === '3'", "a 3")
    assert demo.get("document.querySelector('[value=photo]').checked")
    demo.give("#file", {"broken.png": b"no image"})
    demo.until("!document.querySelector('#stage-error').hidden", "an error")
    assert demo.text("#stage-error") == (
        "broken.png is no image that this browser can read. Pick a PNG, JPEG or WebP."
    )


def test_a_photo_of_a_drawing_is_read_as_one(demo: DemoPage) -> None:
    for label in "3786":
        demo.give("#file", {f"{label}.png": on_paper(label)})
        demo.until(
            "document.querySelector('.top-label').textContent === args.label",
            f"a {label} on paper",
            label=label,
        )


@pytest.mark.parametrize("what", ["noise", "face"])
def test_what_is_no_digit_is_no_sure_answer(demo: DemoPage, what: str) -> None:
    demo.click("#clear")
    demo.give("#file", {f"{what}.png": {"noise": noise, "face": face}[what]()})
    assert answer(demo).startswith("Not sure: ")
    demo.until("!document.querySelector('.side .doubt').hidden", "the reason")
    assert demo.text(".top-score") == ""
    demo.until("document.querySelector('#announcer').textContent.includes('Not sure')", "it")


def test_shows_what_the_model_is_given(demo: DemoPage, published: Release) -> None:
    """The picture is the tensor: what the pipeline's own preprocessing makes of the sample."""
    demo.click("[value=draw]")
    pick(demo, "5")
    preprocess = ImageOptions(**published.manifest["input"]["image"])
    images, labels = digits("test")
    tensor = apply(images[np.flatnonzero(labels == 5)[0]], preprocess)
    low, high = preprocess.scale
    expected = np.rint((tensor - low) / (high - low) * 255).astype(int).ravel().tolist()
    # Until then it may show what was picked before.
    demo.until(
        "(({ data }) => args.expected.every((value, i) =>"
        " Math.abs(data[Math.floor(i / 3) * 4 + (i % 3)] - value) <= 1))"
        "(document.querySelector('.seen canvas').getContext('2d').getImageData(0, 0, 64, 64))",
        "the picture of this sample",
        expected=expected,
    )


def test_compares_two(demo: DemoPage) -> None:
    demo.click("[value=draw]")
    pick(demo, "7")
    demo.click("#compare")
    demo.until("document.querySelector('#verdict').textContent", "the comparison")
    demo.click("#time")
    demo.until(
        "[...document.querySelectorAll('.stats')].every((s) => /median of 20/.test(s.textContent))",
        "20 runs of both",
    )
    assert demo.text("#verdict").startswith("Both say 7.")
    artifacts = demo.get(
        "[...document.querySelectorAll('.stats')].map((s) => s.children[2].children[1].textContent)"
    )
    assert len(set(artifacts)) == 2
    demo.run(
        "const select = document.querySelectorAll('select.artifact')[1];"
        "select.value = 'tfjs-layers/fp32'; select.dispatchEvent(new Event('change'));"
    )
    demo.until("document.querySelectorAll('.stats')[1]?.textContent.includes('tfjs-layers')", "it")
    assert demo.get("[...document.querySelectorAll('.top-label')].map((l) => l.textContent)")[
        :2
    ] == ["7", "7"]
    demo.click("#compare")
    assert demo.get("document.querySelectorAll('#sides .side').length") == 1


def png(label: str, index: int = 0) -> bytes:
    """A test digit as a file."""
    images, labels = digits("test")
    return saved(images[np.flatnonzero(labels == int(label))[index]])


def on_paper(label: str) -> bytes:
    """A photo: dark ink on grey paper in uneven light, not in the middle, with noise."""
    chance = np.random.default_rng(0)
    digit = Image.open(io.BytesIO(png(label))).resize((120, 120), Image.Resampling.BICUBIC)
    ink = np.zeros((300, 400))
    ink[150:270, 30:150] = np.asarray(digit) / 255
    paper = 205 + np.linspace(-50, 0, 400)[None] + np.linspace(0, -20, 300)[:, None]
    return saved(paper * (1 - ink) + 40 * ink + chance.normal(0, 5, ink.shape))


def noise() -> bytes:
    return saved(np.random.default_rng(0).integers(0, 256, (200, 200, 3)))


def face() -> bytes:
    """Skin, hair, eyes and a mouth before a wall."""
    high, wide = np.mgrid[0:240, 0:200]

    def oval(x: float, y: float, right: float, down: float) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = ((wide - x) / right) ** 2 + ((high - y) / down) ** 2 < 1
        return found

    picture = np.full((240, 200, 3), (120, 140, 170), float)
    head = oval(100, 120, 62, 85)
    picture[head] = (224, 172, 140)
    picture[head & (high < 75)] = (60, 40, 30)
    for x in (75, 125):
        picture[oval(x, 110, 9, 5)] = (40, 30, 30)
    picture[oval(100, 160, 25, 5)] = (150, 50, 60)
    return saved(picture + np.random.default_rng(0).normal(0, 5, picture.shape))


def saved(pixels: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


LEARNT, EACH = 10, 12


def test_learns_classes_and_keeps_them(demo: DemoPage) -> None:
    demo.load("#teach")
    for index, label in enumerate("35"):
        demo.run(
            "const field = document.querySelectorAll('.class-name')[args.index];"
            "field.value = args.name; field.dispatchEvent(new Event('input', { bubbles: true }));",
            index=index,
            name=f"class of {label}",
        )
        files = {f"{i}.png": png(label, i) for i in range(LEARNT)}
        demo.give(".files-input", files, index)
    counted = "[...document.querySelectorAll('.count')].every((c) => c.textContent === '10 images')"
    demo.until(f"{counted} && !document.querySelector('#train').disabled", "all images")
    demo.click(".thumbs button", 3)
    first = "[...document.querySelector('.thumbs').querySelectorAll('button')]"
    names = demo.get(f"{first}.map((one) => one.getAttribute('aria-label'))")
    assert names == [f"Remove image {number} of class of 3" for number in range(1, LEARNT)]
    demo.click("#train")
    demo.until("document.querySelector('#training-text').textContent", "the training")
    assert "Done after 40 epochs" in demo.text("#training-text")
    assert "40 epochs" in demo.get("document.querySelector('#plot').getAttribute('aria-label')")
    found = answers(demo, each=EACH)
    assert sum(right for _, right in found) >= 0.9 * len(found)
    demo.click("#save")
    demo.until("document.querySelector('#kept').textContent.startsWith('Saved')", "it to be saved")
    exported = export(demo)
    check_export(exported)

    demo.load("#teach")
    assert "class of 3, class of 5" in demo.text("#kept")
    demo.click("#restore")
    demo.until(
        "document.querySelector('#kept').textContent.startsWith('Loaded')", "it to be loaded"
    )
    assert answers(demo, each=2) == [*found[:2], *found[EACH : EACH + 2]], "the same head"

    demo.load("#teach")
    demo.give("#import", {"head.zip": repacked(exported)})
    demo.until("document.querySelector('#kept').textContent.startsWith('Imported')", "the import")
    assert answers(demo, each=2) == [*found[:2], *found[EACH : EACH + 2]], "the same head"
    demo.give("#import", {"head.zip": exported[:200]})
    demo.until("!document.querySelector('#teach-error').hidden", "an error")
    assert demo.text("#teach-error").startswith("This file is no zip, or it is damaged.")
    demo.give("#import", {"head.zip": repacked(exported, {b'"sha256":"': b'"sha256":"0'})})
    demo.until("document.querySelector('#teach-error').textContent.includes('layers')", "an error")
    assert demo.text("#teach-error") == (
        "This head was trained on other layers than mobilenet has now. Train it again."
    )
    more = {b'"labels":["': b'"labels":["no class","'}
    demo.give("#import", {"head.zip": repacked(exported, more)})
    demo.until("document.querySelector('#teach-error').textContent.includes('apart')", "an error")
    assert demo.text("#teach-error") == "This head tells 2 classes apart and names 3."


@in_chromium
@pytest.mark.nightly  # unit/tasks/head.test.mjs
def test_says_where_nothing_was_kept_back(demo: DemoPage) -> None:
    demo.load("#teach")
    for index, label in enumerate("35"):
        demo.give(".files-input", {f"{i}.png": png(label, i) for i in range(2)}, index)
    demo.until("!document.querySelector('#train').disabled", "all images")
    demo.click("#train")
    demo.until("document.querySelector('#training-text').textContent", "the training")
    said = demo.text("#training-text")
    assert said.endswith("None was kept back to test it with: that takes 5 of a class."), said


def answers(page: DemoPage, each: int) -> list[tuple[str, bool]]:
    """How sure the head is of images that it never saw, so many of each class, and if rightly."""
    found = []
    for label in "35":
        for index in range(LEARNT, LEARNT + each):
            name = f"{label}-{index}-{time.monotonic_ns()}.png"
            page.run("document.querySelector('#live .answer').hidden = true")
            page.give("#file", {name: png(label, index)})
            page.until("!document.querySelector('#live .answer').hidden", f"an answer to {name}")
            is_right = page.text("#live .top-label") == f"class of {label}"
            found.append((page.text("#live .top-score"), is_right))
    return found


def export(page: DemoPage) -> bytes:
    """What is saved by the browser when Export is pressed."""
    page.run(
        "HTMLAnchorElement.prototype.click = async function () {"
        "  const bytes = new Uint8Array(await (await fetch(this.href)).arrayBuffer());"
        "  window.__exported = btoa([...bytes].map((byte) => String.fromCharCode(byte)).join(''));"
        "};"
    )
    page.click("#export")
    page.until("window.__exported", "the export")
    return base64.b64decode(page.get("window.__exported"))


def check_export(content: bytes) -> None:
    """It is what ``tf.loadLayersModel`` takes, with the names of the classes."""
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        assert files.testzip() is None
        assert files.namelist() == ["model.json", "weights.bin", "labels.json"]
        model = json.loads(files.read("model.json"))
        labels = json.loads(files.read("labels.json"))
        weights = model["weightsManifest"][0]["weights"]
        assert len(files.read("weights.bin")) == sum(4 * math.prod(w["shape"]) for w in weights)
    assert labels["labels"] == ["class of 3", "class of 5"]
    assert labels["base"]["layer"] == "conv_pw_13_relu"


def repacked(content: bytes, changes: dict[bytes, bytes] | None = None) -> bytes:
    """The zip as another program would write it: compressed, and in a folder."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as files,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in files.namelist():
            entry = files.read(name)
            for before, after in (changes or {}).items():
                entry = entry.replace(before, after)
            packed.writestr(f"head/{name}", entry)
    return file.getvalue()


def test_works_by_keyboard(demo: DemoPage) -> None:
    demo.load()
    focused = "document.activeElement.getAttribute('aria-label') ?? ''"
    demo.run("document.body.focus()")
    for _ in range(40):
        demo.press("Tab")
        if demo.get(focused) == "Sample of a 2":
            break
    assert demo.get("document.activeElement.matches(':focus-visible')")
    demo.press("Enter")
    demo.until("document.querySelector('.top-label').textContent === '2'", "a 2")
    demo.until(
        "document.querySelector('#announcer').textContent.includes('Answer: 2')", "it to be said"
    )
    demo.press("Tab", "Space")
    demo.until("document.querySelector('.top-label').textContent === '3'", "a 3")


FAKE_CAMERA = ["--use-fake-device-for-media-stream=fps=5", "--use-fake-ui-for-media-stream"]


@in_chromium
def test_looks_through_a_camera(demo: DemoPage) -> None:
    """Chromium's own camera, which shows a clock, in a browser that has it."""
    settled = demo.driver.browser
    browser = settled._driver.chromium.launch(
        executable_path=find_browser(), args=FAKE_CAMERA, chromium_sandbox=os.geteuid() != 0
    )
    try:
        page = browser.new_page()
        page.set_default_timeout(1000 * WAIT_S)
        page.goto(demo.url + "#teach")
        page.locator("main").wait_for()
        page.check("[value=camera]", force=True)
        page.get_by_role("button", name="Record 20 images for Class 1").click()
        page.locator(".count", has_text="20 images").wait_for()
        page.click(".views [href='#try']")
        page.locator(".stats", has_text="median of").wait_for()
        page.click("#freeze")
        page.locator("#freeze[aria-pressed=true]").wait_for()
        assert page.evaluate("document.querySelector('video').paused")
    finally:
        browser.close()


@in_chromium
def test_pipeline_serve_opens_it(demo: DemoPage, published: Release) -> None:
    words = [sys.executable, "-m", "pipeline.cli.main", "serve", published.cdn, "--port", "0"]
    with subprocess.Popen([*map(str, words)], stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout
        try:
            url = served.stdout.readline().split(" at ")[1].split()[0]
            demo.driver.load(url)
            demo.driver.page.get_by_role("link", name="Try it").click()
            demo.driver.page.wait_for_url("**/demo/index.html?model=mobilenet&channel=latest")
            demo.until(LOADED, "the model to be loaded")
            pick(demo, "6")
            assert answer(demo) == "6"
        finally:
            served.kill()


@in_chromium
@pytest.mark.parametrize("view", ["#try", "#teach"])
def test_each_view_fits_a_phone_and_axe_finds_no_fault(demo: DemoPage, view: str) -> None:
    """Landmarks, names, labels, contrast: https://github.com/dequelabs/axe-core."""
    demo.load(view)
    check_phone(demo)
    if view == "#try":
        demo.click("#compare")
        pick(demo, "3")
        demo.until("document.querySelector('#verdict').textContent", "the comparison")
    for scheme in ("light", "dark"):
        demo.driver.page.emulate_media(color_scheme=scheme)
        demo.run(AXE.read_text())
        found = demo.get(
            "(await axe.run()).violations.map((v) => [v.id, v.nodes.map((n) => n.html)])"
        )
        assert found == []


def check_phone(demo: DemoPage) -> None:
    """Nothing is wider than a phone, or too small for a thumb."""
    demo.driver.page.set_viewport_size({"width": 360, "height": 740})
    assert demo.get("document.documentElement.scrollWidth") == 360
    small = demo.get(
        "[...document.querySelectorAll('button, select, a, summary')].filter((one) => {"
        "  const { width, height } = one.getBoundingClientRect();"
        "  return width && (width < 24 || height < 24) && !one.matches('.skip');"
        "}).map((one) => one.outerHTML)"
    )
    assert small == [], "targets of 24 pixels at least (WCAG 2.5.8)"
    demo.driver.page.set_viewport_size({"width": 1200, "height": 900})


def test_nothing_goes_wrong_unseen(demo: DemoPage) -> None:
    """Errors that no other test looked for; the page's own policy forbids nothing that it does."""
    assert demo.wrong() == []


def test_works_offline_after_the_first_visit(demo: DemoPage, origin: Origin) -> None:
    """A page of the same profile is opened anew, once nothing answers any more."""
    demo.load()
    demo.until("navigator.serviceWorker.controller", "the service worker")
    # What the page of the first visit has loaded is all that it may need.
    kept = set(
        demo.get("(await caches.open('model-demo').then((c) => c.keys())).map((r) => r.url)")
    )
    assert {origin.url(path) for path in ("demo/", "demo/app.js", "client/index.js")} <= kept
    origin.go_offline()
    try:
        demo.load()
        demo.click("[aria-label='Sample of a 8']")
        assert answer(demo) == "8"
        assert "Offline" in demo.text("#offline")
        demo.run("location.hash = '#teach'")
        demo.until("!document.querySelector('.class .add').disabled", "a picture to be added")
        demo.click(".class .add")
        demo.until(
            "document.querySelector('.count').textContent === '1 image'", "what it learns with"
        )
    finally:
        origin.heal()
