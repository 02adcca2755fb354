"""WebKitGTK's MiniBrowser, driven by its own WebDriver, on a display of its own."""

from __future__ import annotations

import glob
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from pipeline.backends.session import Unavailable
from pipeline.backends.web import processes, xvfb
from pipeline.backends.web.driver import CRASHED, GONE, START_TIMEOUT_S, BrowserGone, PageFailure
from pipeline.backends.web.engine import Engine

if TYPE_CHECKING:
    from selenium.webdriver import Remote

#: Debian's and Ubuntu's.
PACKAGES = ("webkit2gtk-driver", "xvfb")
ELSEWHERE = (
    "install WebKitGTK's MiniBrowser and WebKitWebDriver, and Xvfb; there are none for a Mac"
)
DRIVER = "WebKitWebDriver"
_POLL_S = 0.02
#: Debian and its family, Fedora, Arch: it is not on the PATH.
_BROWSERS = ("/usr/lib/*/webkit*gtk-*/MiniBrowser", "/usr/lib*/webkit*gtk-*/MiniBrowser",
             "/usr/libexec/webkit*gtk-*/MiniBrowser")  # fmt: skip
ENVIRONMENT = {
    # Without it there are no threads, though the page is isolated.
    "JSC_useSharedArrayBuffer": "1",
    # It calls every renderer "Apple GPU": let there be no doubt which one draws.
    "LIBGL_ALWAYS_SOFTWARE": "1",
    # Mesa keeps compiled shaders on disk, which hides seconds of a first inference.
    "MESA_SHADER_CACHE_DISABLE": "true",
}


def find() -> Path | None:
    """The browser, with its driver on the PATH."""
    paths = sorted(path for pattern in _BROWSERS for path in glob.glob(pattern))  # noqa: PTH207
    return Path(paths[-1]) if paths and shutil.which(DRIVER) else None


def unavailable() -> str | None:
    """Why it cannot run here."""
    if find_spec("selenium") is None:
        return "selenium is not installed"
    return xvfb.unavailable() if find() else f"{DRIVER} and MiniBrowser were not found"


def fingerprint() -> dict[str, Any]:
    """What of it can change a result."""
    return {"browser": processes.build(find()), "environment": ENVIRONMENT}


def watched() -> tuple[str, ...]:
    """Files outside of this package that ``fingerprint`` speaks of."""
    return processes.existing(find(), xvfb.find())


def settings() -> str | None:
    """Another browser is started where another one is found."""
    return str(find())


def renderer(backend: str) -> str | None:
    """What draws, where the page is not told."""
    return "Mesa's software rasterizer, named Apple GPU by WebKit" if backend == "webgl" else None


def start() -> WebKitBrowser:
    """Start it on a display of its own.

    Raises:
        Unavailable: there is none, or it does not start.
    """
    executable = find()
    if executable is None:
        raise Unavailable(f"{DRIVER} and MiniBrowser were not found")
    with ExitStack() as undo:
        folder = processes.folder(undo, "webkit")
        display = xvfb.Display(folder)
        undo.callback(display.close)
        try:
            process, url = _launch(folder, display)
            undo.callback(processes.end, process)
            driver = _connect(url, executable)
        except (Unavailable, OSError) as reason:
            raise Unavailable(f"{executable} does not start: {reason}") from reason
        return WebKitBrowser(process, driver, undo.pop_all())
    raise AssertionError("unreachable")


def _launch(folder: Path, display: xvfb.Display) -> tuple[subprocess.Popen[bytes], str]:
    """The driver, which starts the browser; and where it listens."""
    port = _free_port()
    environment = {**os.environ, **display.environment, **ENVIRONMENT}
    log = folder / "driver.log"
    process = processes.start([DRIVER, f"--port={port}"], environment, log)

    def listens() -> bool | None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return None

    try:
        processes.until(listens, process, log, START_TIMEOUT_S)
    except Unavailable:
        processes.end(process)
        raise
    return process, f"http://127.0.0.1:{port}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _connect(url: str, executable: Path) -> Remote:
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver import Remote, WebKitGTKOptions
    from selenium.webdriver.remote.client_config import ClientConfig
    from selenium.webdriver.remote.remote_connection import RemoteConnection
    from urllib3.exceptions import HTTPError

    options = WebKitGTKOptions()
    program, *arguments = processes.bound([str(executable), "--automation"])
    options.binary_location = program
    for argument in arguments:
        options.add_argument(argument)
    # The driver waits for ever for a browser that ended at once.
    config = ClientConfig(url, timeout=START_TIMEOUT_S)
    try:
        return Remote(RemoteConnection(client_config=config), options=options)
    except HTTPError as error:
        raise Unavailable(f"{DRIVER} got no answer from it in {START_TIMEOUT_S} s") from error
    except WebDriverException as error:
        raise Unavailable(str(error.msg)) from error


class WebKitBrowser:
    """A running MiniBrowser and its driver."""

    def __init__(self, process: subprocess.Popen[bytes], driver: Remote, undo: ExitStack) -> None:
        self._process, self._driver, self._undo = process, driver, undo
        self.pid = process.pid
        self.version: str = driver.capabilities["browserVersion"]

    def alive(self) -> bool:
        try:
            with _failures():
                return bool(self._driver.window_handles)
        except PageFailure:
            return False

    def open(self, url: str) -> WebKitPage:
        with _failures():
            page = WebKitPage(self._driver)
        try:
            with _failures():
                page.load(url)
        except PageFailure:
            page.close()
            raise
        return page

    def close(self) -> None:
        with suppress(PageFailure), _failures():
            self._driver.quit()
        self._undo.close()


class WebKitPage:
    """A window of its own."""

    def __init__(self, driver: Remote) -> None:
        self._driver = driver
        self._blank = driver.window_handles[0]
        driver.switch_to.window(self._blank)
        driver.switch_to.new_window("window")
        self._window = driver.current_window_handle

    def load(self, url: str) -> None:
        """Go to a page and wait for it."""
        self._driver.switch_to.window(self._window)
        self._driver.get(url)
        # The driver may return before the page's scripts have run.
        deadline = monotonic() + START_TIMEOUT_S
        while not self._driver.execute_script("return typeof start === 'function'"):
            if monotonic() > deadline:
                raise PageFailure(f"the page did not load within {START_TIMEOUT_S} s")
            sleep(_POLL_S)

    def start(self, task: Mapping[str, Any]) -> None:
        try:
            with _failures():
                self._driver.switch_to.window(self._window)
                self._driver.execute_script("start(arguments[0])", task)
        except PageFailure:
            self.check()  # which may know better why
            raise

    def check(self) -> None:
        with _failures():
            if self._window not in self._driver.window_handles:
                raise PageFailure(CRASHED)

    def close(self) -> None:
        with suppress(PageFailure), _failures():
            self._driver.switch_to.window(self._window)
            self._driver.close()
            self._driver.switch_to.window(self._blank)


@contextmanager
def _failures() -> Iterator[None]:
    """What the driver's errors mean."""
    from selenium.common.exceptions import InvalidSessionIdException, WebDriverException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (InvalidSessionIdException, HTTPError) as error:
        raise BrowserGone(GONE) from error
    except WebDriverException as error:
        lines = (error.msg or "").strip().splitlines() or [type(error).__name__]
        raise PageFailure(f"the browser failed: {lines[0]}") from error


ENGINE = Engine(
    name="webkit",
    find=find,
    unavailable=unavailable,
    fingerprint=fingerprint,
    watched=watched,
    settings=settings,
    renderer=renderer,
    start=start,
    packages=PACKAGES,
    elsewhere=ELSEWHERE,
)
