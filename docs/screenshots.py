"""Takes the report's pictures anew: ``python docs/screenshots.py [RELEASE]``.

RELEASE is what ``pipeline report`` takes; by default the latest of the only model in
``artifacts/cdn``.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
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


PICTURES = (
    Picture("report.png", 1200, 1640, "light", 1),
    Picture("report-phone.png", 360, 1000, "dark", 2),
)


def main() -> None:
    from playwright.sync_api import sync_playwright

    from pipeline.browser.install import find_browser
    from pipeline.report.command import found

    name = sys.argv[1] if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        page = Path(folder) / "report.html"
        page.write_text(found(name, CDN, STORE).html())
        # Chromium refuses to sandbox what root runs.
        browser = driver.chromium.launch(
            executable_path=find_browser(), chromium_sandbox=os.geteuid() != 0
        )
        for picture in PICTURES:
            _save(DOCS / picture.name, _taken(browser, page, picture))
        browser.close()


def _taken(browser: Any, page: Path, picture: Picture) -> bytes:
    context = browser.new_context(
        viewport={"width": picture.width, "height": picture.height},
        color_scheme=picture.scheme,
        device_scale_factor=picture.scale,
    )
    shown = context.new_page()
    shown.goto(page.resolve().as_uri())
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
