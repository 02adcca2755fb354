"""Takes the pictures of report and demo anew: ``python docs/screenshots.py [RELEASE]``.

RELEASE is what ``pipeline report`` takes; by default the latest of the only model in
``artifacts/cdn``. The demo is that of ``artifacts/cdn``.
"""

from __future__ import annotations

import io
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

DOCS = Path(__file__).parent
CDN = Path("artifacts/cdn")
STORE = Path("artifacts/store")


@dataclass(frozen=True)
class Picture:
    """One view of the report's first screens."""

    name: str
    width: int
    height: int
    scheme: str
    scale: int


REPORT = (
    Picture("report.png", 1200, 1640, "light", 1),
    Picture("report-phone.png", 360, 1000, "dark", 2),
)
DEMO, DEMO_PHONE = (
    Picture("demo.png", 1200, 1200, "light", 1),
    Picture("demo-phone.png", 360, 1180, "dark", 2),
)


def _arc(x: float, y: float, begin: float, end: float) -> list[tuple[float, float]]:
    """Part of a circle; degrees clockwise from the right."""
    turns = [math.radians(begin + (end - begin) * i / 24) for i in range(25)]
    return [(x + 0.18 * math.cos(turn), y + 0.17 * math.sin(turn)) for turn in turns]


#: Strokes of a 3 and a 7, as shares of the pad.
DRAWN = {
    "3": [*_arc(0.48, 0.34, 200, 450), *_arc(0.48, 0.67, -90, 160)],
    "7": [(0.3, 0.2), (0.7, 0.2), (0.45, 0.85)],
}


def main() -> None:
    from playwright.sync_api import sync_playwright

    from pipeline.backends.web.install import find_browser
    from pipeline.cli.report import found

    name = sys.argv[1] if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        page = Path(folder) / "report.html"
        page.write_text(found(name, CDN, STORE).html())
        # Chromium refuses to sandbox what root runs.
        browser = driver.chromium.launch(
            executable_path=find_browser(), chromium_sandbox=os.geteuid() != 0
        )
        for picture in REPORT:
            _save(DOCS / picture.name, _taken(browser, page.resolve().as_uri(), picture))
        with _served() as url:
            for picture, prepare in ((DEMO, _compared), (DEMO_PHONE, _drawn)):
                _save(DOCS / picture.name, _taken(browser, url, picture, prepare))
        browser.close()


@contextmanager
def _served() -> Iterator[str]:
    """The demo's URL."""
    words = [sys.executable, "-m", "pipeline.cli.main", "serve", str(CDN), "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        try:
            said = server.stdout.readline() if server.stdout else ""
            yield said.split(" at ")[1].split()[0] + "demo/"
        finally:
            server.kill()


def _compared(shown: Any) -> None:
    """Two artifacts, each timed on the same drawing."""
    _draw(shown, "7")
    shown.click("#compare")
    shown.locator("#verdict").wait_for()
    shown.click("#time")
    shown.locator(".stats", has_text="median of 20").nth(1).wait_for()
    shown.wait_for_timeout(500)


def _drawn(shown: Any) -> None:
    _draw(shown, "3")
    shown.wait_for_timeout(500)


def _draw(shown: Any, digit: str) -> None:
    shown.locator(".stats", has_text="in a worker").first.wait_for()
    box = shown.locator("#pad").bounding_box()
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in DRAWN[digit]]
    shown.mouse.move(*points[0])
    shown.mouse.down()
    for point in points[1:]:
        shown.mouse.move(*point, steps=4)
    shown.mouse.up()
    shown.locator(".top-label").first.wait_for()


def _taken(
    browser: Any, url: str, picture: Picture, prepare: Callable[[Any], None] = lambda shown: None
) -> bytes:
    context = browser.new_context(
        viewport={"width": picture.width, "height": picture.height},
        color_scheme=picture.scheme,
        device_scale_factor=picture.scale,
    )
    shown = context.new_page()
    shown.goto(url)
    prepare(shown)
    taken: bytes = shown.screenshot()
    context.close()
    return taken


def _save(path: Path, content: bytes) -> None:
    """Write a PNG of few colours, which flat drawings need no more of."""
    image = Image.open(io.BytesIO(content)).convert("RGB")
    image.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {image.width}x{image.height}, {path.stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    main()
