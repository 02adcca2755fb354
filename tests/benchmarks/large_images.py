"""``python -m tests.benchmarks.large_images``: what six large images at once cost a page.

Memory of all Chromium's processes beyond what they held before; and 640 x 640 made 64 x 64.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click
import numpy as np

from pipeline.backends.web import session
from pipeline.backends.web.processes import tree_bytes

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "client"))

from client_page import ScriptPage, page_origin
from client_release import config, publish
from client_site import Origin, cdn, running
from test_large_pictures import peak, picture

WIDTH, HEIGHT, AT_ONCE, ROUNDS = 8000, 6000, 6, 3
ROWS = {
    "client": "this client: classify(element), the model and all",
    "page": "the page: createImageBitmap, getImageData of all pixels; no model",
}

#: ``self.ways``: what is done with an element. Nothing large is done yet.
BEGIN = """
const { load } = await import(`${args.cdn}/client/index.js`);
const { preprocess } = await import(`${args.cdn}/sources/inputs/image/preprocess.js`);
const { gather } = await import(`${args.cdn}/sources/inputs/image/pixels.js`);
const whole = (bitmap, size = [bitmap.width, bitmap.height]) => {
  const context = new OffscreenCanvas(...size).getContext('2d');
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, ...size);
};
const model = await load(`${args.cdn}/mobilenet/latest.json`);
await model.classify(new ImageData(8, 8));
const made = (pixels) => preprocess(pixels, { size: [64, 64], color: 'rgb', scale: [-1, 1] });
self.read = { client: (one) => made(gather(one, [64, 64])), page: (one) => made(whole(one)) };
self.ways = { client: (one) => model.classify(one),
              page: async (one) => self.read.page(await createImageBitmap(one)) };
const file = await (await fetch(args.photo)).blob();
const element = () => Object.assign(new Image(), { src: URL.createObjectURL(file) });
self.elements = [...Array(args.count)].map(element);
await Promise.all(self.elements.map((one) => new Promise((done) => (one.onload = done))));
await new Promise((done) => setTimeout(done, 1000));
"""
LARGE = """
const tasks = [0];
const note = (list) => tasks.push(...list.getEntries().map(({ duration }) => duration));
new PerformanceObserver(note).observe({ type: 'longtask' });
await Promise.all(self.elements.map(self.ways[args.way]));
await new Promise((done) => setTimeout(done, 200));
return Math.max(...tasks);
"""
SMALL = """
const [times, white] = [[], new ImageData(new Uint8ClampedArray(640 * 2560).fill(255), 640)];
for (let i = 0; i < 21; i++) {
  const bitmap = await createImageBitmap(white);
  const start = performance.now();
  self.read[args.way](bitmap);
  times.push(performance.now() - start);
}
return times.sort((a, b) => a - b)[10];
"""


def measure(own: Origin, files: Origin, way: str) -> tuple[float, float, float]:
    """GB and the ms of the longest task of six large pictures; ms of a small one."""
    page = ScriptPage("chromium", own)
    page.run(BEGIN, cdn=files.address, photo=own.url("photo.jpg"), count=AT_ONCE)
    before = tree_bytes(session.running("chromium").browser.pid) or 0
    with peak("chromium") as watch:
        longest = page.run(LARGE, way=way)
    small = page.run(SMALL, way=way)
    page.close()
    return max(0, watch.bytes - before) / 1e9, longest, small


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        release = publish(config({"bundled": "mobilenet_digits"}), Path(name), Path(name) / "store")
        with running(page_origin()) as own, running(cdn(release.cdn)) as files:
            own.put("photo.jpg", picture(WIDTH, HEIGHT))
            told = [{way: measure(own, files, way) for way in ROWS} for _ in range(ROUNDS)]
            session.close()
    click.echo(f"{f'median of {ROUNDS}':68}{'memory':>9}{'longest task':>14}{'640 to 64':>11}")
    for way, words in ROWS.items():
        memory, longest, small = np.median([one[way] for one in told], axis=0)
        click.echo(f"{words:68}{memory:6.2f} GB{longest:11.0f} ms{small:8.1f} ms")


if __name__ == "__main__":
    main()
