"""Runs artifacts through the product's backends, many of them in one page of each."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.conformance import variants
from tests.conformance.convert import Converted
from tests.conformance.outcome import Outcome, compared, first_line

#: A page holds every model that it opened.
MODELS_A_PAGE = 20


class Backends:
    """Every backend, each browser's with one page kept open."""

    def __init__(self, names: tuple[str, ...]) -> None:
        from pipeline.backends.targets import parse

        self.targets = parse(list(names))
        self._pages: dict[str, _Page] = {}

    def prove(self, name: str, converted: Converted) -> dict[str, Outcome]:
        """The outcome of an artifact on each backend on which it is tried."""
        able = [target for target in self.targets if variants.runs(target, name)]
        if name in converted.outcomes:
            return {target.backend: converted.outcomes[name] for target in able}
        return {target.backend: self._prove(target, name, converted) for target in able}

    def _prove(self, target: Any, name: str, converted: Converted) -> Outcome:
        artifact = converted.artifacts[name]
        if reason := target.unavailable():
            return Outcome("unavailable", reason)
        if reason := target.why_not(artifact):
            return Outcome("refused", reason)  # As a plan says before.
        if target.engine is None:
            return _alone(target, name, converted)
        outcome = self._in_page(target, name, converted)
        if outcome.state in ("ok", "unavailable"):
            return outcome
        # What others left in the page may have harmed it: a page of its own has the last word.
        self._pages.pop(target.id).close()
        return _alone(target, name, converted)

    def _in_page(self, target: Any, name: str, converted: Converted) -> Outcome:
        artifact = converted.artifacts[name]

        def infer() -> Any:
            page = self._pages.get(target.id)
            if page is None or page.opened >= MODELS_A_PAGE:
                if page is not None:
                    page.close()
                page = self._pages[target.id] = _Page(target, artifact)
            return page.infer(artifact, converted.inputs)

        outcome = _outcome(infer, target, name, converted)
        if target.id not in self._pages:
            return Outcome("unavailable", outcome.reason)
        return outcome

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        from pipeline.backends.web.session import close

        for page in self._pages.values():
            page.close()
        close()


class _Page:
    """A page on one backend in which several artifacts are opened, one after another."""

    def __init__(self, target: Any, artifact: Path) -> None:
        from pipeline.backends.web.artifact_page import ArtifactPage

        self._target, self.opened = target, 0
        self._page = ArtifactPage(target.engine, artifact)
        self._runtimes: dict[str, list[dict[str, Any]]] = {}

    def infer(self, artifact: Path, inputs: Any) -> Any:
        from pipeline.artifacts.artifact import ArtifactFolder
        from pipeline.backends.web.page_session import open_request
        from pipeline.tensors.batches import FREE_BATCH, infer_singly_at_worst

        folder, name = ArtifactFolder(artifact), f"model {self.opened}"
        self.opened += 1
        url, files = self._page.mount(artifact), self._runtime(folder.format)
        self._page.ask("open", open_request(name, folder, url, files))

        def run(batch: Any) -> Any:
            return self._page.ask_tensors("infer", batch, id=name)

        return infer_singly_at_worst(run, inputs, folder.signature.inputs, FREE_BATCH)[0]

    def _runtime(self, format_name: str) -> list[dict[str, Any]]:
        """The bundle's files, mounted once: a page keeps its modules by address."""
        from pipeline.backends.web import bundles

        name = bundles.name_of(self._target.definition.runtime, format_name)
        if name not in self._runtimes:
            made = bundles.make_in_process(name)
            url = self._page.mount(made)
            self._runtimes[name] = bundles.files(name, made, url, self._page.server.url)
        return self._runtimes[name]

    def close(self) -> None:
        self._page.close()


def _alone(target: Any, name: str, converted: Converted) -> Outcome:
    """In a session of its own, as a build proves it."""

    def infer() -> Any:
        with target.open(converted.artifacts[name]) as session:
            return session.infer(converted.inputs)

    return _outcome(infer, target, name, converted)


def _outcome(infer: Any, target: Any, name: str, converted: Converted) -> Outcome:
    from pipeline.backends.session import Unavailable
    from pipeline.base.errors import PipelineError, RunError

    try:
        outputs = infer()
    except Unavailable as error:
        return Outcome("unavailable", str(error))
    except RunError as error:
        state = "unavailable" if error.unknown else "crashed"
        return Outcome(state, " ".join(str(error).split()))
    except PipelineError as error:
        return Outcome("crashed", " ".join(str(error).split()))
    except Exception as error:
        return Outcome("crashed", first_line(error))
    bounds = variants.bounds(name, target.backend, converted.tolerance)
    return compared(outputs, converted.wanted, **bounds)
