"""One Chromium for this process, and the page in which one artifact runs.

Playwright's synchronous interface belongs to one thread: use this module from one.
"""

from __future__ import annotations

import json
import os
import shlex
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING, Any

from pipeline.backends.session import Unavailable
from pipeline.browser.install import find_browser
from pipeline.browser.server import PageServer
from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from playwright.sync_api import Browser, Playwright

    from pipeline.backends.session import Array

#: Chromium must not talk to anyone but our own server, nor keep compiled shaders from
#: one page to the next: the first inference of each is timed.
FLAGS = (
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu-shader-disk-cache",
    "--disable-gpu-program-cache",
)
FLAGS_VARIABLE = "PIPELINE_BROWSER_FLAGS"
START_TIMEOUT_S = 60
JOB_TIMEOUT_S = 600


class BrowserGoneError(PipelineError):
    """The browser's process ended while a page of it was in use."""


@dataclass
class _Running:
    """What is open in this process."""

    playwright: Playwright
    browser: Browser
    server: PageServer
    flags: tuple[str, ...]

    def close(self) -> None:
        for part in (self.browser.close, self.playwright.stop, self.server.close):
            # Each may have died before; the rest must still close.
            with suppress(Exception):
                part()


_running: _Running | None = None
_closer: Finalize | None = None


def browser_flags() -> tuple[str, ...]:
    """The command line switches, with those that ``PIPELINE_BROWSER_FLAGS`` adds."""
    return (*FLAGS, *shlex.split(os.environ.get(FLAGS_VARIABLE, "")))


def close() -> None:
    """Close the browser, its driver and the server; the next page opens new ones."""
    global _running
    if _running is not None:
        _running.close()
    _running = None


def running() -> _Running:
    """The browser of this process, started where there is none, it died or its flags changed.

    Raises:
        Unavailable: there is no browser, or it does not start.
    """
    global _running, _closer
    flags = browser_flags()
    if _running and (_running.flags != flags or not _running.browser.is_connected()):
        close()
    if _running is None:
        _running = _start(flags)
        # Not atexit: that does not run in the worker processes of a forked pool.
        _closer = _closer or Finalize(None, close, exitpriority=10)
    return _running


def _start(flags: tuple[str, ...]) -> _Running:
    from playwright.sync_api import Error, sync_playwright

    executable = find_browser()
    if executable is None:
        raise Unavailable("no Chromium-family browser was found")
    playwright = sync_playwright().start()
    try:
        browser = _launch(playwright, executable, flags)
    except Error as error:
        playwright.stop()
        raise Unavailable(f"{executable} does not start: {_cause(error.message)}") from error
    return _Running(playwright, browser, PageServer(), flags)


def _launch(playwright: Playwright, executable: Path, flags: tuple[str, ...]) -> Browser:
    return playwright.chromium.launch(
        executable_path=executable,
        args=list(flags),
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


class ArtifactPage:
    """A fresh page, in a browser context of its own, with one artifact folder mounted."""

    def __init__(self, artifact: Path) -> None:
        from playwright.sync_api import Error

        self._run = _connected()
        self.server = self._run.server
        self.where = str(artifact)
        self.url = self.server.mount(artifact)
        try:
            self._context = self._run.browser.new_context()
            self._page = self._context.new_page()
            self._page.goto(f"{self.server.url}/page/index.html", timeout=START_TIMEOUT_S * 1000)
        except Error as error:
            failure = self._failure(error)
            self.server.unmount(self.url)
            raise failure from error

    @property
    def browser_version(self) -> str:
        return self._run.browser.version

    def ask(self, job: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Run a job of ``page.js`` that answers with JSON."""
        answer: dict[str, Any] = json.loads(self._perform(job, request))
        return answer

    def ask_tensors(
        self, job: str, inputs: Mapping[str, Array], **request: Any
    ) -> dict[str, Array]:
        """Run a job that takes and answers with tensors."""
        from safetensors.numpy import load

        return load(self._with_inputs(job, inputs, request))

    def ask_with(self, job: str, inputs: Mapping[str, Array], **request: Any) -> dict[str, Any]:
        """Run a job that takes tensors and answers with JSON."""
        answer: dict[str, Any] = json.loads(self._with_inputs(job, inputs, request))
        return answer

    def close(self) -> None:
        """Close the page and take the artifact down."""
        from playwright.sync_api import Error

        self.server.unmount(self.url)
        with suppress(Error):  # the browser may be gone, and the page with it
            self._context.close()

    def _with_inputs(
        self, job: str, inputs: Mapping[str, Array], request: Mapping[str, Any]
    ) -> bytes:
        import numpy as np
        from safetensors.numpy import save

        content = save({name: np.ascontiguousarray(array) for name, array in inputs.items()})
        url = self.server.offer(content)
        try:
            return self._perform(job, {**request, "inputs": url})
        finally:
            self.server.withdraw(url)

    def _perform(self, job: str, request: Mapping[str, Any]) -> bytes:
        """Start a job and wait for its POST, which a hung or crashed page never sends."""
        from playwright.sync_api import Error

        url = self.server.expect()
        task = {"job": job, "request": request, "answer": url}
        try:
            with self._page.expect_response(url, timeout=JOB_TIMEOUT_S * 1000):
                self._page.evaluate("task => start(task)", task)
        except Error as error:
            failure = self._failure(error)
            self.close()  # a hung page would never return from the next call
            raise failure from error
        finally:
            answer = self.server.take(url)
        if answer is None:
            raise PipelineError("the page's answer did not arrive", where=self.where)
        if answer.content_type.startswith("application/json"):
            self._raise_reported(json.loads(answer.content))
        return answer.content

    def _raise_reported(self, answer: dict[str, Any]) -> None:
        error = answer.get("error")
        if error is None:
            return
        if error["name"] == "Unavailable":
            raise Unavailable(error["message"])
        # TF.js reports a missing shard as a wrong tensor shape: the server knows better.
        failures = self.server.failures(self.url)
        if failures:
            first = failures[0]
            missing = first.path.removeprefix(self.url.removeprefix(self.server.url))
            raise PipelineError(
                f"{first.method} {missing} got HTTP {first.status}",
                where=self.where,
            )
        raise PipelineError(f"{error['name']} in the page: {error['message']}", where=self.where)

    def _failure(self, error: Exception) -> PipelineError:
        """What Playwright's error means."""
        from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

        if isinstance(error, PlaywrightTimeoutError):
            what = f"the page gave no answer within {JOB_TIMEOUT_S} s"
        elif not self._run.browser.is_connected():
            return BrowserGoneError("the browser's process ended", where=self.where)
        elif "crash" in str(error).lower():
            what = "the page crashed, most likely because it ran out of memory"
        else:
            what = f"the browser failed: {str(error).splitlines()[0]}"
        return PipelineError(what, where=self.where)


def _connected() -> _Running:
    """``running``, with a browser that answers: its end may not have been noticed yet."""
    from playwright.sync_api import Error

    current = running()
    try:
        current.browser.new_context().close()
    except Error:
        close()
        current = running()
    return current
