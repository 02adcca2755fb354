"""How steps end that other machines run, when it is not the step itself that fails."""

from __future__ import annotations

from concurrent.futures.process import BrokenProcessPool

from pipeline.base.errors import PipelineError
from pipeline.base.faults import KEPT, NO_MEMORY, explain_kill


class LanesLostError(PipelineError):
    """Where steps ran is gone: no other step can run either."""

    ends_all = True


class StepEndedError(BrokenProcessPool):
    """The process of a step ended on another machine, or the machine itself did.

    Args:
        exit_code: of the process, if it is known.
        workers: those that ended one after another as they ran the step.
    """

    def __init__(self, exit_code: int | None = None, workers: tuple[str, ...] = ()) -> None:
        super().__init__(exit_code, workers)
        self.exit_code, self.workers = exit_code, workers

    def explain(self, where: str) -> PipelineError:
        """The error as a user should read it."""
        if not self.workers:
            return explain_kill(self, where, self.exit_code)
        error = PipelineError(
            f"{len(self.workers)} workers ended as they ran it: {', '.join(self.workers)}",
            where=where,
            todo=f"{NO_MEMORY}; {KEPT}",
        )
        error.__cause__ = self
        return error
