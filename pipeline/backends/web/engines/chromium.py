"""Chromium and its family, driven by Playwright.

Playwright's synchronous interface belongs to one thread: use a browser from the one
that started it.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pipeline.backends.gpu import host_gpu
from pipeline.backends.session import Unavailable
from pipeline.backends.web import processes
from pipeline.backends.web.driver import CRASHED, GONE, START_TIMEOUT_S, BrowserGone, PageFailure
from pipeline.backends.web.engine import Engine
from pipeline.backends.web.install import candidates, find_browser
from pipeline.base.errors import MissingToolError

if TYPE_CHECKING:
    from pathlib import Path

    from playwright import sync_api as playwright

#: What Chromium does without. Of two such switches the last one counts, so what Playwright switches
#: off is named again; the popups of an address bar that nobody sees took a third of a start.
FEATURES_OFF = (
    "AimEnabled,AvoidCorsURLLoaderRestartOnRedirect,AvoidUnnecessaryBeforeUnloadCheckSync,"
    "DestroyProfileOnBrowserClose,HttpsFirstBalancedModeAutoEnable,HttpsUpgrades,LensOverlay,"
    "MediaRouter,NetworkTimeServiceQuerying,OptimizationHints,PaintHolding,PreconnectToSearch,"
    "TcpPortRandomizationWin,ThirdPartyStoragePartitioning,WebUIOmniboxAimPopup,WebUIOmniboxPopup"
)
#: Chromium must not talk to anyone but our own server, nor keep compiled shaders from
#: one page to the next: the first inference of each is timed.
FLAGS = (
    f"--disable-features={FEATURES_OFF}",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu-shader-disk-cache",
    "--disable-gpu-program-cache",
)
#: WebGPU is off by default on Linux. With a GPU, Vulkan reaches it without a display.
GPU_FLAGS = (
    "--enable-unsafe-webgpu",
    "--ignore-gpu-blocklist",
    "--enable-features=Vulkan",
    "--use-angle=vulkan",
    "--disable-vulkan-surface",
)
SOFTWARE_FLAGS = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader")
FLAGS_VARIABLE = "PIPELINE_BROWSER_FLAGS"


def unavailable() -> str | None:
    """Why it cannot run here."""
    if find_spec("playwright") is None:
        return "playwright is not installed"
    try:
        browser = find_browser()
    except MissingToolError as error:
        return str(error)
    return None if browser else "no Chromium-family browser was found"


def fingerprint() -> dict[str, Any]:
    """What of it can change a result."""
    return {"browsers": [processes.build(path) for path in candidates()], "flags": settings()}


def watched() -> tuple[str, ...]:
    """Files outside of this package that ``fingerprint`` speaks of."""
    return tuple(map(str, candidates()))


def settings() -> tuple[str, ...]:
    """The command line switches, with those that ``PIPELINE_BROWSER_FLAGS`` adds."""
    return (*FLAGS, *_gpu_flags(), *shlex.split(os.environ.get(FLAGS_VARIABLE, "")))


def _gpu_flags() -> tuple[str, ...]:
    """None on a Mac, where Chromium finds the GPU by itself."""
    gpu = host_gpu()
    return {None: SOFTWARE_FLAGS, "Metal": ()}.get(gpu, GPU_FLAGS)


def renderer(backend: str) -> None:
    """What draws, where the page is not told; here it is told."""


def start() -> ChromiumBrowser:
    """Start it, headless.

    Raises:
        Unavailable: there is none, or it does not start.
    """
    from playwright.sync_api import Error, sync_playwright

    executable = find_browser()
    if executable is None:
        raise Unavailable("no Chromium-family browser was found")
    driver = sync_playwright().start()
    try:
        return ChromiumBrowser(driver, _launch(driver, executable))
    except Error as error:
        driver.stop()
        raise Unavailable(f"{executable} does not start: {_cause(error.message)}") from error


def _launch(driver: playwright.Playwright, executable: Path) -> playwright.Browser:
    return driver.chromium.launch(
        executable_path=executable,
        args=list(settings()),
        # Chromium refuses to sandbox what root runs. Everyone else keeps the sandbox.
        chromium_sandbox=os.geteuid() != 0,
        timeout=START_TIMEOUT_S * 1000,
        # Mesa keeps compiled shaders on disk, which hides seconds of a first inference.
        env={**os.environ, "MESA_SHADER_CACHE_DISABLE": "true"},
    )


def _cause(message: str) -> str:
    """The line of Playwright's launch log that says why."""
    if "No usable sandbox" in message:
        return f"it cannot sandbox its pages here ({FLAGS_VARIABLE}=--no-sandbox does without)"
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    errors = [line for line in lines if "error while loading" in line or "ERROR" in line]
    return (errors or lines or ["no reason given"])[0]


class ChromiumBrowser:
    """A running Chromium."""

    def __init__(self, driver: playwright.Playwright, browser: playwright.Browser) -> None:
        self._driver, self._browser = driver, browser
        self.version = browser.version
        self.pid = _pid()

    def alive(self) -> bool:
        from playwright.sync_api import Error

        try:
            # Its end may not have been noticed yet: ask for something.
            self._browser.new_context().close()
        except Error:
            return False
        return self._browser.is_connected()

    def open(self, url: str) -> ChromiumPage:
        from playwright.sync_api import Error

        try:
            page = ChromiumPage(self._browser, self._browser.new_context().new_page())
        except Error as error:
            raise _failure(self._browser, error) from error
        try:
            page.load(url)
        except PageFailure:
            page.close()
            raise
        return page

    def close(self) -> None:
        for end in (self._browser.close, self._driver.stop):
            # Each may have died before; the rest must still close.
            with suppress(Exception):
                end()


class ChromiumPage:
    """A page in a browser context of its own."""

    def __init__(self, browser: playwright.Browser, page: playwright.Page) -> None:
        self._browser, self._page = browser, page

    def load(self, url: str) -> None:
        """Go to a page and wait for it."""
        from playwright.sync_api import Error

        try:
            self._page.goto(url, timeout=START_TIMEOUT_S * 1000)
        except Error as error:
            raise _failure(self._browser, error) from error

    def start(self, task: Mapping[str, Any]) -> None:
        from playwright.sync_api import Error

        try:
            self._page.evaluate("task => start(task)", task)
        except Error as error:
            raise _failure(self._browser, error) from error

    def check(self) -> None:
        from playwright.sync_api import Error

        try:
            # Playwright hears of a crash only while one of its calls runs.
            self._page.wait_for_timeout(1)
        except Error as error:
            raise _failure(self._browser, error) from error

    def close(self) -> None:
        from playwright.sync_api import Error

        with suppress(Error):  # the browser may be gone, and the page with it
            self._page.context.close()


def _failure(browser: playwright.Browser, error: Exception) -> PageFailure:
    """What Playwright's error means."""
    if not browser.is_connected():
        return BrowserGone(GONE)
    if "crash" in str(error).lower():
        return PageFailure(CRASHED)
    return PageFailure(f"the browser failed: {str(error).splitlines()[0]}")


def _pid() -> int:
    """The browser's own process, which Playwright does not name."""
    import psutil

    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            command = child.cmdline()
            is_browser = "--remote-debugging-pipe" in command and "--type=" not in str(command)
            if is_browser and child.status() != psutil.STATUS_ZOMBIE:
                return int(child.pid)
    return 0


ENGINE = Engine(
    name="chromium",
    find=find_browser,
    unavailable=unavailable,
    fingerprint=fingerprint,
    watched=watched,
    settings=settings,
    renderer=renderer,
    start=start,
)
