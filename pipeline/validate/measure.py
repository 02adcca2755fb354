"""Runs one artifact on one target: parity with the golden, accuracy, latency."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.artifacts.artifact import ArtifactFolder
from pipeline.artifacts.chain_folder import ChainFolder
from pipeline.artifacts.proof import Proof
from pipeline.artifacts.samples_folder import Golden
from pipeline.backends import machine
from pipeline.backends.targets import Target
from pipeline.base.options import StrictOptions
from pipeline.engine.step import Keep, step
from pipeline.measures.latency import summary, time_until_narrow
from pipeline.measures.metrics import CHAIN
from pipeline.measures.parity import compare
from pipeline.measures.worst import keep_worst
from pipeline.tasks.find import Purpose
from pipeline.tensors.arrays import Arrays
from pipeline.validate import canary, chain, half
from pipeline.validate.answers import Answers

if TYPE_CHECKING:
    from pipeline.backends.session import Session
    from pipeline.base.errors import PipelineError

#: Untimed inferences between the first one and the timed ones.
WARMUPS = 3
#: The most timed ones where a rasterizer stands in for a GPU.
SOFTWARE_REPEATS = 6

#: On how many samples a rasterizer in place of a GPU runs for a target that nobody named: all of
#: them would take it minutes. So many that 98 % of them may get the same answer, and one another.
SOFTWARE_SAMPLES = 50


#: What to do of a proof for which its process, or the memory, was not enough.
ENDED_TODO = (
    "build again, with other programs ended where memory was short; if that does not help, leave "
    "this backend out of validate.backends"
)


class MeasureOptions(StrictOptions):
    """On what, and how often."""

    backend: str
    engine: str | None = None
    """The browser engine, for a backend that needs one."""
    required: bool = True
    """Whether the user wants nothing published without it."""
    task: Purpose
    repeats: int
    threads: int | None = None
    """Of backends that let one choose."""


class LeaveOutOptions(StrictOptions):
    """What does not run, and why."""

    backend: str
    engine: str | None = None
    """The browser engine, for a backend that needs one."""
    required: bool = True
    """Whether the user wants nothing published without it."""
    reason: str


def write_killed(options: MeasureOptions, ended: PipelineError, work: Path) -> None:
    """PROOF of one whose process crashed or was killed, which no step outlives."""
    target = Target(options.backend, options.engine, options.required)
    _write(work, target, "fail", reason=ended.what, todo=ENDED_TODO)


@step(version=1, quick=True)
def leave_out(options: LeaveOutOptions, work: Path) -> None:
    """PROOF of a target that is known beforehand not to run, whatever the artifact."""
    target = Target(options.backend, options.engine, options.required)
    _write(work, target, "unavailable", reason=options.reason)


@dataclass(frozen=True)
class ProofInputs:
    """What is proved, and on what."""

    artifact: ArtifactFolder
    golden: Golden
    reference: ArtifactFolder | None
    """Of the same format without techniques, which it is timed with."""
    runtime: Path | None
    """The bundle in which pages run it."""
    chain: ChainFolder | None
    """Of a model that a detector goes before: what both have to find in pictures."""
    detector: ArtifactFolder | None
    """That detector, in the same format."""
    code: Path | None
    """The bundle of the task's code."""
    detector_code: Path | None
    """The same of the detector's."""


@step(version=16, tools=("numpy",), alone=True, if_killed=write_killed)
def measure(inputs: ProofInputs, options: MeasureOptions, work: Path) -> Keep | None:
    """ARTIFACT, GOLDEN, maybe another ARTIFACT as ``reference`` and a BUNDLE -> PROOF.

    Beside it are the outputs on the worst samples, and how sure it is of each sample's answer.
    """
    return _prove(inputs, options, work)


@step(version=16, tools=("numpy",), if_killed=write_killed)
def measure_brief(inputs: ProofInputs, options: MeasureOptions, work: Path) -> Keep | None:
    """The same for a target that is ``brief``: its speed is not judged, so others may run."""
    return _prove(inputs, options, work)


def _prove(inputs: ProofInputs, options: MeasureOptions, work: Path) -> Keep | None:
    from pipeline.backends.session import Unavailable
    from pipeline.base.errors import RunError

    target = Target(options.backend, options.engine, options.required)
    reason = target.unavailable()
    if reason:
        _write(work, target, "unavailable", reason=reason)
        return Keep.THIS_BUILD
    # What the config names was refused before: its own run says what is wrong.
    if not options.required and (lacking := target.why_not(inputs.artifact.folder)):
        _write(work, target, "unavailable", reason=lacking)
        return Keep.ALWAYS
    try:
        measured = _measured_at_last(target, inputs, options, work)
    except Unavailable as unavailable:
        _write(work, target, "unavailable", reason=str(unavailable))
        # What the user asks for and lacks may be there tomorrow.
        return _keep(unavailable.lasting and not options.required)
    except RunError as error:
        # What the config names has to run; of `all`, what cannot hold the model says nothing of it.
        status = "unavailable" if error.unknown and not options.required else "fail"
        _write(work, target, status, reason=error.what, todo=error.todo)
        return _keep(error.lasting)
    except MemoryError:
        _write(work, target, "fail", reason="there is not enough memory", todo=ENDED_TODO)
        return Keep.THIS_BUILD
    _write(work, target, "measured", **measured)
    return Keep.ALWAYS


def _keep(lasts: bool) -> Keep:
    return Keep.ALWAYS if lasts else Keep.THIS_BUILD


def _measured_at_last(
    target: Target, inputs: ProofInputs, options: MeasureOptions, work: Path
) -> dict[str, Any]:
    """What was measured, at the second try where what it ran in broke down at the first."""
    from pipeline.base.errors import RunError

    try:
        return _open_and_measure(target, inputs, options, work)
    except RunError as error:
        if not error.again:
            raise
        return _open_and_measure(target, inputs, options, work)


def _write(work: Path, target: Target, status: str, **more: Any) -> None:
    """Write PROOF: ``reason`` and ``todo`` of what did not run, or what was measured."""
    result = {
        "target": target.id,
        "backend": target.backend,
        "engine": target.engine,
        "required": target.required,
        "status": status,
        "reason": None,
        **more,
    }
    Proof(work).write(result)


def _open_and_measure(
    target: Target, inputs: ProofInputs, options: MeasureOptions, work: Path
) -> dict[str, Any]:
    with target.open(inputs.artifact.folder, options.threads, inputs.runtime) as session:
        measured, outputs = _measure(session, inputs, options, work)
    if target.id == half.FLOAT32.id:
        half.keep_first(outputs, work)
    return measured


def _hardware(session: Session) -> dict[str, Any]:
    hardware = asdict(session.hardware)
    return {**hardware, "details": {**hardware["details"], **machine.name()}}


def _measure(
    session: Session, inputs: ProofInputs, options: MeasureOptions, work: Path
) -> tuple[dict[str, Any], Arrays]:
    golden = inputs.golden
    facts, samples, expected = golden.facts, golden.inputs(), golden.outputs()
    first = {name: values[:1] for name, values in samples.items()}
    brief = session.hardware.kind == "software" and not options.required
    # To compile another model's shaders takes a rasterizer seconds, for a ratio that says nothing.
    reference = None if brief else inputs.reference
    latency = _latency(session, reference, first, options.repeats)
    if brief:
        samples, expected = _first(samples), _first(expected)
    outputs = session.infer(samples)
    answered = canary.answer(session, golden)
    count = len(next(iter(samples.values())))
    complete = count == facts["count"]
    softmax = {name: output["softmax"] for name, output in facts["outputs"].items()}
    answers = Answers.of(options.task, softmax, golden.folder)
    answers = answers if complete else answers.first(count)
    if sure := answers.confidence(outputs, expected):
        sure.write(work)
    parity = compare(outputs, expected, softmax) | answers.agreement(outputs, expected)
    chained = _chain(session, inputs)
    if chained:
        parity[CHAIN] = chained.pop("same")
    measured = {
        "hardware": _hardware(session),
        "samples": count,
        "partial": not complete,
        "single_samples": session.batch_failure,
        "parity": parity,
        "accuracy": answers.accuracy(outputs, expected) if complete else None,
        "worst": keep_worst(outputs, expected, work),
        "latency": latency,
        "canary": answered,
        **({"chain": chained} if chained else {}),
    }
    return measured, outputs


def _chain(session: Session, inputs: ProofInputs) -> dict[str, Any]:
    """What a page finds behind the detector, of a model that has one."""
    if not (inputs.chain and inputs.detector and inputs.code and inputs.detector_code):
        return {}
    from pipeline.backends.web.page_session import PageSession

    if not isinstance(session, PageSession):
        raise TypeError("only pages run a detector before a model")
    return chain.measure(
        session, inputs.chain, inputs.detector, (inputs.code, inputs.detector_code)
    )


def _first(arrays: dict[str, Any]) -> dict[str, Any]:
    return {name: values[:SOFTWARE_SAMPLES] for name, values in arrays.items()}


def _latency(
    session: Session, reference: ArtifactFolder | None, sample: Arrays, repeats: int
) -> dict[str, Any]:
    """Load, first and warm times, the ratio to the reference, transport and memory."""
    load_ms = session.load_ms  # now: timing may open another session
    other = reference.folder if reference else None
    time = partial(session.latency, sample, reference=other, warmups=WARMUPS)
    if session.hardware.kind == "software":
        # Slow, and no measure of a GPU: enough to see that it runs again and again.
        latency = time(repeats=min(repeats, SOFTWARE_REPEATS))
    elif reference is None and session.fetched_bytes is None:
        # No ratio comes of it that more time would make narrower, and native code gets no faster.
        latency = time(repeats=repeats)
    else:
        latency = time_until_narrow(time, repeats)
    return {
        **summary(load_ms, latency, reference.id if reference else None),
        "fetched_bytes": session.fetched_bytes,
        "memory": dict(session.memory()),
    }
