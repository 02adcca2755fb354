"""Time to the first prediction over a slow link: this client, and TensorFlow.js as it is used.

``python -m tests.benchmarks.first_prediction``. Both start with an empty cache, behind one link,
from one server with brotli; timed from the page's navigation until a digit's class is known.
"""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import brotli
import click
import yaml

from pipeline.backends.web import session
from pipeline.bundled.digits import digits
from tests.benchmarks.link import Link
from tests.benchmarks.peer_artifacts import convert_tfjs, saved_model
from tests.client.client_release import BUNDLED, ROOT, publish
from tests.client.client_site import CORS, Origin, Posted, running

TFJS = ROOT / "pipeline/backends/web/node_modules/@tensorflow"
#: What a page that uses TensorFlow.js names in its script tags and asks for.
TFJS_FILES = (
    *("tfjs/dist/tf.min.js", "tfjs-backend-wasm/dist/tf-backend-wasm.min.js"),
    "tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm",
)
MEGABITS, ROUND_TRIP_MS = 10, 40
TIMEOUT_S = 60
IMMUTABLE = {"Cache-Control": "public, max-age=31536000, immutable"}

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>first prediction</title><link rel="icon" href="data:,">
%(head)s
<img id="image" alt="a digit" src="%(image)s">
<script type="module">
%(script)s
const ms = performance.now();
await fetch("/answer", { method: "POST", body: JSON.stringify({ ms, label, how }) });
</script>
<script>function start() {}</script>
"""

OURS = """
import { load } from "%(cdn)s/client/index.js";
const model = await load("%(cdn)s/mobilenet-optimized/latest.json");
const [{ index: label }] = await model.classify(document.getElementById("image"), { top: 1 });
const how = `${model.info.artifact} on ${model.info.backend}`;
"""
PLAIN = """
%(backend)s
const model = await tf.loadGraphModel("%(cdn)s/plain/model.json");
const image = document.getElementById("image");
await image.decode();
const scores = tf.tidy(() => {
  const pixels = tf.browser.fromPixels(image).toFloat().div(127.5).sub(1);
  return model.predict(pixels.expandDims()).argMax(-1);
});
const [label] = await scores.data();
const how = `uint8 on ${tf.getBackend()}`;
"""
TFJS_TAG = '<script src="%(cdn)s/tfjs/tf.min.js"></script>'
WASM_TAG = '<script src="%(cdn)s/tfjs/tf-backend-wasm.min.js"></script>'
WASM = 'tf.wasm.setWasmPaths("%(cdn)s/tfjs/");\nawait tf.setBackend("wasm");'

#: Name -> the page's head and script.
SIDES = {
    "this client": ("", OURS),
    "plain, default backend": (TFJS_TAG, PLAIN.replace("%(backend)s", "")),
    "plain, wasm backend": (TFJS_TAG + WASM_TAG, PLAIN.replace("%(backend)s", WASM)),
}
OURS_NAME, *PLAIN_NAMES = SIDES


@dataclass(frozen=True)
class Visit:
    """One first visit."""

    ms: float
    """From navigation to the answer."""
    how: str
    sent_bytes: int
    """All bodies, as they went over the link."""


def main_folder(folder: Path) -> Path:
    """What the CDN serves: our release, the converter's output and TensorFlow.js, with twins."""
    cdn = publish(optimized_config(), folder, folder / "store").cdn
    convert(cdn / "plain")
    (cdn / "tfjs").mkdir()
    for name in TFJS_FILES:
        shutil.copy(TFJS / name, cdn / "tfjs")
    for file in [*(cdn / "plain").iterdir(), *(cdn / "tfjs").iterdir()]:
        file.with_name(file.name + ".br").write_bytes(brotli.compress(file.read_bytes()))
    return cdn


def optimized_config() -> dict[str, Any]:
    """What shows the optimizer off, proved on few backends, which take most of a build's time."""
    config: dict[str, Any] = yaml.safe_load(
        (ROOT / "configs" / "mobilenet-optimized.yaml").read_text()
    )
    # With WebGL: the client has to find out that a software rasterizer is no GPU.
    config["validate"]["backends"] = ["onnxruntime-cpu", "tfjs-wasm", "tfjs-webgl"]
    return config


def convert(target: Path) -> None:
    """Convert the bundled model as users of the converter do, to uint8."""
    with tempfile.TemporaryDirectory() as saved:
        saved_model(BUNDLED, Path(saved))
        convert_tfjs(Path(saved), target, "--quantize_uint8=*")


class Visitor:
    """Visits each side's page, with an empty cache each time."""

    def __init__(self, cdn: Path, engine: str) -> None:
        self._cdn, self._engine = cdn, engine
        images, labels = digits("test")
        self._image, self._label = _png(images[0]), int(labels[0])

    def visit(self, side: str) -> Visit:
        """Open a page in a new profile, behind a new link, from servers at new addresses."""
        posted = Posted()
        with self._servers() as (page, cdn, link):
            page.fail("/answer", posted.take)
            head, script = SIDES[side]
            values = {"cdn": link.proxy(cdn.address), "image": self._image}
            content = PAGE % {**values, "head": head % values, "script": script % values}
            page.put("/", content)
            opened = session.running(self._engine).browser.open(link.proxy(page.address) + "/")
            answer = _answered(posted, opened)
            opened.close()
            sent = page.sent_bytes() + cdn.sent_bytes()
        assert answer["label"] == self._label, (side, answer)
        return Visit(answer["ms"], answer["how"], sent)

    @contextmanager
    def _servers(self) -> Iterator[tuple[Origin, Origin, Link]]:
        with ExitStack() as stack:
            page = stack.enter_context(running(Origin({"Cache-Control": "no-cache"})))
            cdn = Origin({**CORS, **IMMUTABLE}, {"/": self._cdn})
            link = stack.enter_context(Link(MEGABITS, ROUND_TRIP_MS).running())
            yield page, stack.enter_context(running(cdn)), link


def _answered(posted: Posted, page: Any) -> dict[str, Any]:
    """What a page says."""
    for _ in range(TIMEOUT_S * 10):
        if posted.came.wait(0.1):
            said: dict[str, Any] = json.loads(posted.body)
            return said
        page.check()
    sys.exit(f"no prediction within {TIMEOUT_S} s")


def _png(digit: Any) -> str:
    """A digit as the model takes it, as a data: URL."""
    from PIL import Image

    image = Image.fromarray(digit).resize((64, 64), Image.Resampling.BILINEAR).convert("RGB")
    file = io.BytesIO()
    image.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


@click.command()
@click.option("--rounds", default=5, show_default=True, help="Every page is visited so often.")
@click.option("--engine", "engines", multiple=True, default=["chromium"], show_default=True)
def main(rounds: int, engines: tuple[str, ...]) -> None:
    """Time first predictions over 10 Mbit/s and 40 ms."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        cdn = main_folder(Path(name))
        for engine in engines:
            visitor = Visitor(cdn, engine)
            for side in SIDES:  # untimed: what the browser itself does once
                visitor.visit(side)
            visits = [{side: visitor.visit(side) for side in SIDES} for _ in range(rounds)]
            report(engine, visits)
    session.close()


def report(engine: str, rounds: list[Mapping[str, Visit]]) -> None:
    """Print medians, and the ratio of ours to each plain one of the same round."""
    load = f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    click.echo(f"{MEGABITS} Mbit/s, {ROUND_TRIP_MS} ms, median of {len(rounds)} rounds; {load}")
    click.echo(f"{engine + ', first prediction':32}{'ms':>7}{'(range)':>13}{'KB':>7}  ours/it")
    for side in SIDES:
        times = [visits[side].ms for visits in rounds]
        ratio = median(visits[OURS_NAME].ms / visits[side].ms for visits in rounds)
        span = f"{min(times):.0f}-{max(times):.0f}"
        last = rounds[-1][side]
        click.echo(f"{side:32}{median(times):7.0f}{span:>13}{last.sent_bytes / 1000:7.0f}"
                   f"{ratio:9.2f}  {last.how}")  # fmt: skip


if __name__ == "__main__":
    main()
