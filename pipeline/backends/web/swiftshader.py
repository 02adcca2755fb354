"""Chromium's Vulkan rasterizer, lent to browsers that bring none: WebGPU without a GPU."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pipeline.backends.gpu import host_gpu
from pipeline.backends.web.install import find_browser
from pipeline.base.errors import MissingToolError

NAME = "SwiftShader, by VK_ICD_FILENAMES"
_DRIVER, _LIBRARY = "vk_swiftshader_icd.json", "libvk_swiftshader.so"
_LOADER = "libvulkan.so.1"


@cache
def folder() -> Path | None:
    """Where it lies: nowhere on a machine with a GPU, which is to be used, or without Chromium."""
    try:
        browser = None if host_gpu() else find_browser()
    except MissingToolError:
        browser = None
    if browser is None:
        return None
    # Debian's command is a script; the browser itself lies elsewhere.
    places = (browser.resolve().parent, Path("/usr/lib") / browser.name)
    return next((place for place in places if (place / _DRIVER).exists()), None)


def library() -> Path | None:
    """What draws: it is updated with the browser that lends it."""
    place = folder()
    return place / _LIBRARY if place else None


def environment(work: Path) -> dict[str, str]:
    """What makes a process find it, and none of Chromium's other libraries."""
    place = folder()
    if place is None:
        return {}
    libraries = work / "vulkan"
    libraries.mkdir()
    (libraries / _LOADER).symlink_to(place / _LOADER)
    return {"VK_ICD_FILENAMES": str(place / _DRIVER), "LD_LIBRARY_PATH": str(libraries)}
