"""What keeps a build from being published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pipeline.base.errors import GateError, MissingToolError, PipelineError, together
from pipeline.measures.miss import Miss
from pipeline.validate.trust import remedy

if TYPE_CHECKING:
    pass
from pipeline.build.result import Built


def missed(manifest: Mapping[str, Any]) -> list[Miss]:
    """Every bound that an artifact of this manifest did not keep."""
    return [
        Miss(**miss)
        for artifact in manifest["artifacts"]
        for result in artifact["validation"]
        for miss in result.get("missed", [])
    ]


def failed(manifest: Mapping[str, Any]) -> list[str]:
    """Every artifact that did not run on a target, with the reason and what to do."""
    return [
        f"{artifact['id']} on {result['target']}: {result['reason']}; {result['todo']}"
        for artifact in manifest["artifacts"]
        for result in artifact["validation"]
        if result["status"] == "fail" and result.get("reason")
    ]


def unavailable(manifest: Mapping[str, Any]) -> list[str]:
    """What keeps artifacts from being proved: required targets and their reasons, first of all."""
    lacking = [
        f"{result['target']}: {result['reason']}"
        for artifact in manifest["artifacts"]
        for result in artifact["validation"]
        if result["status"] == "unavailable" and result["required"]
    ]
    unproved = [
        f"{artifact['id']} ran on no backend with all samples"
        for artifact in manifest["artifacts"]
        if not any(map(_complete, artifact["validation"]))
    ]
    return sorted(set(lacking)) or unproved


def _complete(result: Mapping[str, Any]) -> bool:
    # What failed is told of as that.
    return result["status"] != "unavailable" and not result.get("partial")


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
    errors = list(_doubts(built.manifest)) or list(_faults(built.manifest))
    if whole and built.manifest.get("not_made"):
        errors.append(_not_whole(built.manifest["not_made"]))
    if complete and (missing := unavailable(built.manifest)):
        errors.append(
            MissingToolError(
                "; ".join(missing),
                where="validate.backends",
                todo="run `pipeline doctor`, or leave the backend out of the config; "
                "nothing was published",
            )
        )
    if errors:
        raise together(errors)


def _doubts(manifest: Mapping[str, Any]) -> Iterator[PipelineError]:
    """That the source itself is wrong, before which nothing else is worth a word."""
    if doubted := manifest.get("doubt"):
        yield GateError(doubted, where="source", todo=f"nothing was published; {remedy(doubted)}")


def _faults(manifest: Mapping[str, Any]) -> Iterator[PipelineError]:
    """What did not run, and the bounds that were not kept."""
    misses, failures = missed(manifest), failed(manifest)
    if misses or failures:
        lines = [
            *_listed("these did not run", failures),
            *_listed("these bounds were not kept", [str(miss) for miss in misses]),
        ]
        better = f"; {_better(manifest, misses)}" if misses else ""
        yield GateError("\n".join(lines), todo=f"nothing was published{better}")


def _not_whole(lost: list[dict[str, str]]) -> PipelineError:
    """What could not be made."""
    from pipeline.base.faults import by_cause

    lines = (f"  {line}" for line in by_cause(lost))
    return PipelineError(
        "\n".join(["these artifacts could not be made", *lines]),
        todo="nothing was published; `pipeline build --allow-incomplete` publishes the others",
    )


def _listed(head: str, lines: list[str]) -> list[str]:
    """Each line once, below what they have in common."""
    return [head, *dict.fromkeys(f"  {line}" for line in lines)] if lines else []


def _better(manifest: Mapping[str, Any], misses: list[Miss]) -> str:
    """What to do of artifacts that missed a bound."""
    searched = {told["variant"] for told in manifest.get("searches", [])}
    if all(miss.artifact.rpartition("/")[2] in searched for miss in misses):
        return (
            "what a search found by held-back samples does not hold on the test split: bound it "
            "more tightly there, or hold more samples back"
        )
    if all(miss.metric == "product_sum" for miss in misses):
        gate = f"validate.gates.{misses[0].artifact}.portable=false"
        return f"quantize it anew; or --set {gate}, if only ARM and x86 with VNNI run it"
    return "make the variant better, or leave it out"
