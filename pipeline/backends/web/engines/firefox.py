"""Firefox, driven over WebDriver BiDi, on a display of its own: headless it has no WebGL."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pipeline.backends.session import Unavailable
from pipeline.backends.web import processes, swiftshader, xvfb
from pipeline.backends.web.bidi import Connection
from pipeline.backends.web.driver import CRASHED, GONE, START_TIMEOUT_S, BrowserGone, PageFailure
from pipeline.backends.web.engine import Engine
from pipeline.backends.web.install import candidates

#: Debian's; on Ubuntu Firefox is a snap, which containers cannot run.
PACKAGES = ("firefox-esr", "xvfb")
VARIABLE = "PIPELINE_FIREFOX"
ELSEWHERE = f"install Firefox, and Xvfb on Linux, or let {VARIABLE} name one"
COMMANDS = ("firefox-esr", "firefox")
PREFERENCES: Mapping[str, bool | int | str] = {
    # It must not talk to anyone but our own server, nor keep anything from page to page.
    "app.update.disabledForTesting": True,
    "browser.cache.disk.enable": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.unified": False,
    # A page that computes is no page that hangs.
    "dom.max_script_run_time": 0,
    "dom.ipc.processHangMonitor": False,
    # Whole milliseconds would be too coarse to time with.
    "privacy.reduceTimerPrecision": False,
    # Without these WebGL and WebGPU are blocked on a rasterizer, and WebGL names another one.
    "webgl.force-enabled": True,
    "gfx.webgpu.ignore-blocklist": True,
    "dom.webgpu.enabled": True,
    "webgl.sanitize-unmasked-renderer": False,
}
#: A tab whose process died shows another page, in which nothing can be called.
_START = "task => typeof start === 'function' && (start(JSON.parse(task)), true)"


def find() -> Path | None:
    """The browser that ``PIPELINE_FIREFOX`` names, else the first of ``COMMANDS``."""
    named = os.environ.get(VARIABLE)
    path = named or next(filter(None, map(shutil.which, COMMANDS)), None)
    return Path(path) if path else None


def unavailable() -> str | None:
    """Why it cannot run here."""
    if find_spec("websocket") is None:
        return "websocket-client is not installed"
    return xvfb.unavailable() if find() else "Firefox was not found"


def fingerprint() -> dict[str, Any]:
    """What of it can change a result."""
    rasterizer = processes.build(swiftshader.library())
    return {"browser": processes.build(find()), "webgpu": rasterizer, "preferences": PREFERENCES}


def watched() -> tuple[str, ...]:
    """Files outside of this package that ``fingerprint`` speaks of."""
    # Among Chromium's is the one that may lend its rasterizer.
    return (*processes.existing(find(), xvfb.find()), *map(str, candidates()))


def settings() -> str | None:
    """Another browser is started where another one is named."""
    return str(find())


def renderer(backend: str) -> str | None:
    """What draws, where the page is not told: Firefox names no WebGPU adapter."""
    return swiftshader.NAME if backend == "webgpu" and swiftshader.folder() else None


def start() -> FirefoxBrowser:
    """Start it on a display of its own.

    Raises:
        Unavailable: there is none, or it does not start.
    """
    executable = find()
    if executable is None:
        raise Unavailable("Firefox was not found")
    try:
        return _start(executable)
    except Unavailable as reason:
        # Seen once, on a busy machine: it found no display, though the X server had begun.
        if "DISPLAY=" not in str(reason):
            raise
    return _start(executable)


def _start(executable: Path) -> FirefoxBrowser:
    with ExitStack() as undo:
        folder = processes.folder(undo, "firefox")
        display = xvfb.Display(folder)
        undo.callback(display.close)
        try:
            process = _launch(executable, folder, display)
            undo.callback(processes.end, process)
            connection = _connect(process, folder)
            # Ends in the order: connection, browser, display, folder.
            undo.callback(connection.close)
            version = _greet(connection)
        except (Unavailable, PageFailure, OSError) as reason:
            raise Unavailable(f"{executable} does not start: {reason}") from reason
        return FirefoxBrowser(process, connection, version, undo.pop_all())
    raise AssertionError("unreachable")


def _launch(executable: Path, folder: Path, display: xvfb.Display) -> subprocess.Popen[bytes]:
    profile = folder / "profile"
    profile.mkdir()
    lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines))
    command = [str(executable), "--remote-debugging-port=0", "--no-remote", "--profile"]
    environment = {
        **os.environ,
        **display.environment,
        **swiftshader.environment(folder),
        # Mesa keeps compiled shaders on disk, which hides seconds of a first inference.
        "MESA_SHADER_CACHE_DISABLE": "true",
        "MOZ_CRASHREPORTER_DISABLE": "1",
    }
    return processes.start([*command, str(profile)], environment, folder / "firefox.log")


def _connect(process: subprocess.Popen[bytes], folder: Path) -> Connection:
    """Wait until it says on which port it listens."""
    where = folder / "profile" / "WebDriverBiDiServer.json"

    def ready() -> Mapping[str, Any] | None:
        with suppress(OSError, ValueError):
            address: dict[str, Any] = json.loads(where.read_text())
            return address
        return None

    port = processes.until(ready, process, folder / "firefox.log", START_TIMEOUT_S)["ws_port"]
    return Connection(f"ws://127.0.0.1:{port}/session")


def _greet(connection: Connection) -> str:
    """Begin a session; the browser's version."""
    session = connection.command("session.new", capabilities={})
    version: str = session["capabilities"]["browserVersion"]
    return version


class FirefoxBrowser:
    """A running Firefox."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        connection: Connection,
        version: str,
        undo: ExitStack,
    ) -> None:
        self._process, self._connection, self._undo = process, connection, undo
        self.pid, self.version = process.pid, version

    def alive(self) -> bool:
        try:
            self._connection.command("session.status")
        except PageFailure:
            return False
        return self._process.poll() is None

    def open(self, url: str) -> FirefoxPage:
        container = self._connection.command("browser.createUserContext")["userContext"]
        page = FirefoxPage(self._connection, self._process, container)
        try:
            page.load(url)
        except PageFailure:
            page.close()
            raise
        return page

    def close(self) -> None:
        with suppress(PageFailure):
            self._connection.command("browser.close")
        self._undo.close()


class FirefoxPage:
    """A tab in a container of its own."""

    def __init__(
        self, connection: Connection, process: subprocess.Popen[bytes], container: str
    ) -> None:
        self._connection, self._process, self._container = connection, process, container
        created = connection.command("browsingContext.create", type="tab", userContext=container)
        self._context = created["context"]

    def load(self, url: str) -> None:
        """Go to a page and wait for it."""
        parameters = {"context": self._context, "url": url, "wait": "complete"}
        self._connection.command("browsingContext.navigate", **parameters)

    def start(self, task: Mapping[str, Any]) -> None:
        try:
            answer = self._call(_START, json.dumps(task))
        except BrowserGone:
            raise
        except PageFailure as error:
            raise PageFailure(CRASHED) from error
        if answer.get("result", {}).get("value") is not True:
            raise PageFailure(CRASHED)

    def _call(self, function: str, argument: str) -> dict[str, Any]:
        return self._connection.command(
            "script.callFunction",
            functionDeclaration=function,
            arguments=[{"type": "string", "value": argument}],
            target={"context": self._context},
            awaitPromise=False,
        )

    def check(self) -> None:
        if self._process.poll() is not None:
            raise BrowserGone(GONE)
        tree = self._connection.command("browsingContext.getTree", root=self._context)
        if not tree["contexts"][0]["url"].startswith("http"):
            raise PageFailure(CRASHED)

    def close(self) -> None:
        with suppress(PageFailure):
            self._connection.command("browsingContext.close", context=self._context)
            self._connection.command("browser.removeUserContext", userContext=self._container)


ENGINE = Engine(
    name="firefox",
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
