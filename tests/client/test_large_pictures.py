"""Large images cost little memory, however many wait, and none of the page's own time."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from client_fixtures import Site
from client_page import ScriptPage
from client_release import Release
from client_site import Handler, serve
from client_tiers import Manifest, edited, put_runtime
from nightly import nightly
from PIL import Image
from test_model import LOADED, where

from pipeline.backends.web import session
from pipeline.backends.web.processes import tree_bytes

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("engine", ["chromium"], indirect=True),
]

WIDTH, HEIGHT = 6000, 4000
#: Large to the client, and soon decoded, where neither time nor memory counts.
SMALLER = [2000, 1500]
#: Of its pixels, once they are decoded.
DECODED_BYTES = WIDTH * HEIGHT * 4
CACHED = {"Cache-Control": "max-age=3600"}


@pytest.fixture(scope="module")
def photo() -> bytes:
    return picture(WIDTH, HEIGHT)


def picture(width: int, height: int) -> bytes:
    """A JPEG with much to tell apart, and little to encode."""
    across, down = np.arange(width, dtype=np.uint16), np.arange(height, dtype=np.uint16)
    grey = ((across[None] // 9) ^ (down[:, None] // 7)).astype(np.uint8)
    stream = BytesIO()
    Image.fromarray(grey).convert("RGB").save(stream, "JPEG", quality=80)
    return stream.getvalue()


@pytest.fixture
def address(site: Site, photo: bytes) -> str:
    return put(site, photo)


def put(site: Site, photo: bytes) -> str:
    """Where a page of its own origin finds the photo, also in the browser's cache."""
    site.page.extra_headers["/photo.jpg"] = CACHED
    return site.page.put("photo.jpg", photo)


#: ``made[kind]()`` gives the photo as each kind of image that a page may hand over.
KINDS = f"""{LOADED}
const file = await (await fetch(args.photo)).blob();
const element = async (src) => {{
  const one = Object.assign(new Image(), {{ src }});
  await new Promise((done) => (one.onload = done));
  return one;
}};
const canvas = async (made) => {{
  const bitmap = await createImageBitmap(file);
  made.getContext('2d').drawImage(bitmap, 0, 0);
  bitmap.close();
  return made;
}};
const size = args.size ?? [{WIDTH}, {HEIGHT}];
const [width, height] = size;
const made = {{
  file: async () => file,
  blob: () => element(URL.createObjectURL(file)),
  late: async () => Object.assign(new Image(), {{ src: URL.createObjectURL(file) }}),
  http: () => element(args.photo),
  bitmap: () => createImageBitmap(file),
  canvas: () => canvas(Object.assign(document.createElement('canvas'), {{ width, height }})),
  offscreen: () => canvas(new OffscreenCanvas(...size)),
  data: async () => {{
    const context = (await canvas(new OffscreenCanvas(...size))).getContext('2d');
    return context.getImageData(0, 0, ...size);
  }},
  frame: async () => new VideoFrame(await createImageBitmap(file), {{ timestamp: 0 }}),
}};
"""

ANSWERS = f"""{KINDS}
const found = {{}};
for (const [kind, make] of Object.entries(made)) found[kind] = await model.classify(await make());
return found;
"""


def test_every_kind_of_large_image_is_answered_alike(page: ScriptPage, site: Site) -> None:
    address = put(site, picture(*SMALLER))
    found = page.run(ANSWERS, **where(site, photo=address, size=SMALLER))
    wanted = found.pop("file")
    # A video frame has colours of its own kind, which come back a little off.
    frame = found.pop("frame")
    assert [one["label"] for one in frame] == [one["label"] for one in wanted]
    assert len(found) == 7
    for kind, scores in found.items():
        assert scores == wanted, kind


AT_ONCE = f"""{KINDS}
const images = [];
for (let i = 0; i < args.count; i++) images.push(images[0] ?? (await made[args.kind]()));
await Promise.all(images.map((one) => model.classify(one)));
return images.length;
"""


class Peak(threading.Thread):
    """The most memory that a browser's processes held together."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.bytes, self.over = pid, 0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.01):
            self.bytes = max(self.bytes, tree_bytes(self.pid))


@contextmanager
def peak(engine: str) -> Iterator[Peak]:
    watch = Peak(session.running(engine).browser.pid)
    watch.start()
    try:
        yield watch
    finally:
        watch.over.set()
        watch.join()


@pytest.mark.parametrize("kind", ["blob", nightly("http"), nightly("canvas")])
def test_memory_does_not_grow_with_the_number_of_images(
    page: ScriptPage, site: Site, address: str, kind: str
) -> None:
    """Six at once, of one picture: what they add to what one takes is less than two of them."""
    most = []
    for count in (1, 6):
        with peak(page.engine) as watch:
            page.run(AT_ONCE, **where(site, photo=address, kind=kind, count=count))
        most.append(watch.bytes)
        page.reload()
    # What is let go of is collected late.
    assert most[1] - most[0] < 2 * DECODED_BYTES, most


LONG = f"""{KINDS}
const tasks = [];
const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries()));
const shown = await made[args.kind]();
await model.classify(file);  // all that a first call loads
observer.observe({{ type: 'longtask' }});
await model.classify(shown);
tasks.push(...observer.takeRecords());
return tasks.map(({{ duration }}) => duration);
"""


@pytest.mark.parametrize("kind", [nightly("blob"), "late", nightly("http")])
def test_an_element_is_not_decoded_on_the_pages_thread(
    page: ScriptPage, site: Site, address: str, kind: str
) -> None:
    measured = []
    for _ in range(3):
        measured.append(page.run(LONG, **where(site, photo=address, kind=kind)))
        if not measured[-1]:
            return
        page.reload()
    pytest.fail(f"tasks of these milliseconds, in three tries: {measured}")


def test_what_may_not_be_kept_is_not_asked_for_again(
    page: ScriptPage, site: Site, photo: bytes
) -> None:
    """A picture that is another one at each request: the one that the page shows is asked about."""
    other = BytesIO()
    Image.new("RGB", (WIDTH, HEIGHT), "white").save(other, "JPEG")
    site.page.put("photo.jpg", photo)
    url = site.page.put("random.jpg", photo)

    def swap(handler: Handler) -> None:
        serve(handler)
        site.page.put("random.jpg", other.getvalue())

    site.page.fail("/random.jpg", swap, times=1)
    script = f"{KINDS} const images = [file, await element(args.random)];"
    script += "return Promise.all(images.map((one) => model.classify(one)));"
    wanted, found = page.run(script, **where(site, photo=site.page.url("photo.jpg"), random=url))
    assert found == wanted
    assert len(site.page.seen("/random.jpg")) == 2, "it was not asked for to learn so"


def test_a_release_of_before_is_handed_the_whole(
    page: ScriptPage, site: Site, published: Release, tmp_path: Path
) -> None:
    """Its task's code reads bitmaps, and knows of nothing less."""

    def change(manifest: Manifest) -> None:
        task = manifest["runtimes"][manifest["task"]]
        (old,) = task["files"]
        code = (published.cdn / old["path"]).read_text()
        code, count = re.subn(r"(export\{.*?)\w+ as bounded,", r"\1", code)
        assert count == 1
        (tmp_path / "task.js").write_text(code)
        file = put_runtime(tmp_path / "task.js", "", (), tmp_path / "cdn" / "runtimes")
        task |= {"entry": file["path"], "files": [file]}

    site.publish(edited(published, tmp_path, change))
    address = put(site, picture(*SMALLER))
    found = page.run(ANSWERS, **where(site, photo=address, size=SMALLER))
    assert found["canvas"] == found["file"]
