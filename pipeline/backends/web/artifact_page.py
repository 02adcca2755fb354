"""The page in which artifacts run: jobs go in through the driver, answers come over HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any

from pipeline.artifacts.artifact import ArtifactFolder
from pipeline.backends import failures
from pipeline.backends.session import Unavailable
from pipeline.backends.web.driver import CRASHED, BrowserGone, PageFailure
from pipeline.backends.web.session import running
from pipeline.base.errors import PipelineError, RunError
from pipeline.tensors.arrays import Array, np

JOB_TIMEOUT_S = 600
#: How often a page is asked whether it still lives while it works. Rarely: it is being timed.
CHECK_S = 1.0


class ArtifactPage:
    """A fresh page, with artifact folders mounted beside it."""

    def __init__(self, engine: str, artifact: Path, query: str = "") -> None:
        self._run = running(engine)
        self.server = self._run.server
        self.where = f"{ArtifactFolder(artifact).id} in {engine}"
        self._mounts: list[str] = []
        self.url = self.mount(artifact)
        try:
            self._page = self._run.browser.open(f"{self.server.url}/page/index.html{query}")
        except PageFailure as failure:
            self._unmount()
            raise self._explain(_of_browser(failure)) from failure

    def mount(self, artifact: Path) -> str:
        """Serve one more artifact to this page, until the page is closed; its URL."""
        self._mounts.append(self.server.mount(artifact))
        return self._mounts[-1]

    @property
    def browser_version(self) -> str:
        return self._run.browser.version

    @property
    def browser_pid(self) -> int:
        return self._run.browser.pid

    def ask(self, job: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Run a job of ``page.js`` that answers with JSON.

        Raises:
            Unavailable: the backend is not to be had in this browser.
            RunError: the artifact does not run; or the page or the browser broke down.
        """
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
        """Close the page and take the artifacts down."""
        self._unmount()
        self._page.close()

    def _unmount(self) -> None:
        for url in self._mounts:
            self.server.unmount(url)

    def _with_inputs(
        self, job: str, inputs: Mapping[str, Array], request: Mapping[str, Any]
    ) -> bytes:
        from safetensors.numpy import save

        # A scalar stays one: numpy would make a vector of it.
        arrays = {name: np.asarray(array, order="C") for name, array in inputs.items()}
        content = save(arrays)
        url = self.server.offer(content)
        try:
            return self._perform(job, {**request, "inputs": url})
        finally:
            self.server.withdraw(url)

    def _perform(self, job: str, request: Mapping[str, Any]) -> bytes:
        """Start a job and wait for its POST, which a hung or crashed page never sends."""
        url = self.server.expect()
        try:
            self._page.start({"job": job, "request": request, "answer": url})
            self._await(url)
        except PageFailure as failure:
            self.close()  # a hung page would never return from the next call
            raise self._explain(_of_browser(failure)) from failure
        finally:
            answer = self.server.take(url)
        if answer is None:
            raise PipelineError("the page's answer did not arrive", where=self.where)
        if answer.content_type.startswith("application/json"):
            self._raise_reported(json.loads(answer.content))
        return answer.content

    def _await(self, url: str) -> None:
        deadline = monotonic() + JOB_TIMEOUT_S
        while not self.server.wait(url, CHECK_S):
            self._page.check()
            if monotonic() > deadline:
                raise PageFailure(f"the page gave no answer within {JOB_TIMEOUT_S} s")

    def _raise_reported(self, answer: Any) -> None:
        error = answer.get("error") if isinstance(answer, dict) else None
        if error is None:
            return
        if error.get("code") == "unavailable":
            raise Unavailable(error["message"], lasting=True)
        for url in self._mounts:
            for failed in self.server.failures(url):
                missing = failed.path.removeprefix(url.removeprefix(self.server.url))
                raise PipelineError(
                    f"{failed.method} {missing} got HTTP {failed.status}", where=self.where
                )
            error["message"] = error["message"].replace(url, "")
        raise self._explain(failures.of_page(error))

    def _explain(self, error: RunError) -> RunError:
        error.where = self.where
        return error


def _of_browser(failure: PageFailure) -> RunError:
    """A page that crashed or hung, or a browser that is gone."""
    broke = isinstance(failure, BrowserGone) or str(failure) == CRASHED
    todo = failures.AGAIN if broke else failures.SMALLER
    return RunError(str(failure), todo=todo, lasting=False, again=broke)
