"""What keeps a build from being published."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pipeline.base.errors import GateError, MissingToolError, PipelineError, together
from pipeline.build.advice import advise
from pipeline.build.result import Built
from pipeline.manifest.parse import models
from pipeline.validate.trust import remedy
from pipeline.validate.verdict import ProofVerdict, Verdict, by_cause

if TYPE_CHECKING:
    from pipeline.manifest.release import Manifest


def judge(built: Built, *, complete: bool = True, whole: bool = True) -> None:
    """Refuse what missed a gate, or could not be made or proved; all of it at once.

    Args:
        complete: whether every required target, and at least one, has to have run.
        whole: whether every artifact that the config asks for has to have been made.

    Raises:
        GateError: naming artifact, backend, metric, value and bound of every miss, and every
            artifact that did not run somewhere; or the source itself gets far fewer samples right
            than it should.
        MissingToolError: a backend that the config requires could not run.
        PipelineError: an artifact could not be made.
    """
    errors = []
    for manifest in models(built.manifest):
        verdict = Verdict.of(manifest)
        found = list(_doubts(verdict)) or list(_faults(verdict, manifest))
        if whole:
            found += _not_whole(verdict)
        if complete:
            found += _not_proved(verdict)
        if manifest["name"] != built.manifest["name"]:
            for error in found:
                error.where = f"the detector {manifest['name']}: {error.where}".removesuffix(": ")
        errors += found
    if errors:
        raise together(errors)


def _doubts(verdict: Verdict) -> Iterator[PipelineError]:
    """That the source itself is wrong, before which nothing else is worth a word."""
    if doubt := verdict.doubt:
        yield GateError(doubt, where="source", todo=f"nothing was published; {remedy(doubt)}")


def _faults(verdict: Verdict, manifest: Manifest) -> Iterator[PipelineError]:
    """What did not run, and the bounds that were not kept."""
    misses, failures = verdict.misses, verdict.not_run
    if misses or failures:
        lines = [
            *_list_once("these did not run", map(_describe, failures)),
            *_list_once("these bounds were not kept", map(str, misses)),
        ]
        better = f"; {advise(manifest, misses)}" if misses else ""
        yield GateError("\n".join(lines), todo=f"nothing was published{better}")


def _describe(proof: ProofVerdict) -> str:
    return f"{proof.artifact} on {proof.target}: {proof.reason}; {proof.todo}"


def _not_whole(verdict: Verdict) -> Iterator[PipelineError]:
    """What could not be made."""
    if verdict.not_made:
        yield PipelineError(
            "\n".join(_list_once("these artifacts could not be made", by_cause(verdict.not_made))),
            todo="nothing was published; `pipeline build --allow-incomplete` publishes the others",
        )


def _not_proved(verdict: Verdict) -> Iterator[PipelineError]:
    """What kept artifacts from being proved: required targets and their reasons, first of all."""
    lacking = sorted({f"{proof.target}: {proof.reason}" for proof in verdict.lacking})
    unproved = (f"{name} ran on no backend with all samples" for name in verdict.unproved)
    if reasons := lacking or [*unproved]:
        yield MissingToolError(
            "; ".join(reasons),
            where="validate.backends",
            todo="run `pipeline doctor`, or leave the backend out of the config; "
            "nothing was published",
        )


def _list_once(head: str, lines: Iterable[str]) -> list[str]:
    """Each line once, below what they have in common."""
    distinct = list(dict.fromkeys(f"  {line}" for line in lines))
    return [head, *distinct] if distinct else []
