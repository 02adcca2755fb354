"""Whether an artifact is safe on a GPU that keeps tensors in float16, as those of phones do.

The ranges of a model's nodes only say where it may go wrong. Whether it does is measured: the
artifact runs once more with float16 textures, and is compared with itself in float32 ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.artifacts.artifact import ArtifactFolder
from pipeline.artifacts.proof import HalfProof, Proof
from pipeline.artifacts.samples_folder import Golden
from pipeline.backends.targets import Target
from pipeline.base.errors import PipelineError
from pipeline.base.options import StrictOptions
from pipeline.engine.step import Keep, step
from pipeline.measures.metrics import metric_of
from pipeline.tasks.find import Purpose
from pipeline.tensors.arrays import Array
from pipeline.tensors.varying import pack, unpack
from pipeline.validate import canary
from pipeline.validate.ranges import LARGEST
from pipeline.validate.tolerances import TOLERANCES

if TYPE_CHECKING:
    from pipeline.backends.session import Session
    from pipeline.manifest.artifact import HalfPrecision, Hazard

    Outputs = Mapping[str, Array]

#: Outputs of the first samples, which a proof in float32 textures keeps: [k, …] by public name.
FIRST = "first.safetensors"

#: How many samples are run in float16.
SAMPLES = 8

#: The same engine and the same shaders, but for the textures.
FLOAT32, FLOAT16 = Target("tfjs-webgl", "chromium"), Target("tfjs-webgl-f16", "chromium")

#: How far apart the two may be: what rounding to float16 explains, and another answer for one
#: sample in fifty, by every share of samples whose answers agree.
BOUNDS = {"nonfinite": 0, "relative_error": TOLERANCES["float16"]}
SAME = 0.98

#: A node of which more of the values than this become zero loses what it says, not only the tail
#: of it: beside larger numbers, what is below 2^-24 counts for nothing in float32 either.
FLUSHED = 0.01

#: So many nodes are named in a manifest.
NAMED = 8


_UNMEASURED: Mapping[str, Any] = {"parity": None, "bounds": None, "canary": None}


class HalfOptions(StrictOptions):
    """What the model is for."""

    task: Purpose


def write_killed(options: HalfOptions, ended: PipelineError, work: Path) -> None:
    """``half.json`` where the process crashed or was killed: it is not measured."""
    _write(work, f"it failed: {ended.what}", _UNMEASURED)


@step(version=6, tools=("numpy",), if_killed=write_killed)
def run(
    *,
    artifact: ArtifactFolder,
    golden: Golden,
    float32: Proof,
    runtime: Path,
    options: HalfOptions,
    work: Path,
) -> Keep | None:
    """ARTIFACT, GOLDEN and a proof in float32 textures as ``float32`` -> ``half.json``.

    ``{"target", "samples": n, "reason": why it did not run or null, "parity": of float16 textures
    against float32 ones, "bounds" that it is held to, "canary": its answer to the canary; each or
    null}``.
    """
    from pipeline.backends.session import Unavailable

    reason, keep = _explain_missing(float32), Keep.THIS_BUILD
    measured = _UNMEASURED
    if reason is None:
        try:
            with _open(artifact.folder, runtime) as session:
                measured, keep = _measure(session, golden, float32, options.task), Keep.ALWAYS
        except Unavailable as error:
            reason, keep = str(error), Keep.ALWAYS if error.lasting else keep
        except PipelineError as error:
            # It runs in float32, and nothing requires it to run in float16.
            reason = f"it failed: {error}"
    _write(work, reason, measured)
    return keep


def _write(work: Path, reason: str | None, measured: Mapping[str, Any]) -> None:
    HalfProof(work).write({"target": FLOAT16.id, "samples": SAMPLES, "reason": reason, **measured})


def _explain_missing(proof: Proof) -> str | None:
    if not (proof.folder / FIRST).exists():
        return f"it did not run on {FLOAT32.id} to be compared with"
    return FLOAT16.unavailable()


def _measure(session: Session, golden: Golden, float32: Proof, task: Purpose) -> dict[str, Any]:
    from safetensors.numpy import load_file

    from pipeline.measures.parity import compare
    from pipeline.validate.answers import Answers

    softmax = {name: output["softmax"] for name, output in golden.facts["outputs"].items()}
    expected = unpack(load_file(float32.folder / FIRST))
    outputs = session.infer(golden.inputs(SAMPLES))
    answered = canary.answer(session, golden)
    answers = Answers.of(task, softmax, golden.folder).first(SAMPLES)
    agreement = answers.agreement(outputs, expected)
    shares = [name for name in agreement if metric_of(name).interval == "share"]
    bounds = BOUNDS | dict.fromkeys(shares, SAME)
    parity = compare(outputs, expected, softmax) | agreement
    return {"parity": parity, "bounds": bounds, "canary": answered}


@contextmanager
def _open(artifact: Path, runtime: Path) -> Iterator[Session]:
    """The artifact in float16 textures.

    Raises:
        Unavailable: the browser used others, in spite of having been told.
    """
    from pipeline.backends.session import Unavailable

    with FLOAT16.open(artifact, runtime=runtime) as session:
        bits = session.hardware.details.get("texture_float_bits")
        if bits != 16:
            raise Unavailable(f"the browser kept {bits} bits in its textures, not 16", lasting=True)
        yield session


def keep_first(outputs: Outputs, folder: Path) -> None:
    """Write the outputs on the first samples for ``run`` to compare with."""
    from safetensors.numpy import save_file

    save_file(pack({name: values[:SAMPLES] for name, values in outputs.items()}), folder / FIRST)


def half_precision(ranges: Mapping[str, Any], ran: Mapping[str, Any] | None) -> HalfPrecision:
    """What a manifest says of an artifact in float16.

    Args:
        ranges: of the graph that it was made from, as ``ranges.scan`` writes them.
        ran: what ``run`` wrote; ``None`` where that was not planned.
    """
    named = hazards(ranges["nodes"])
    safe, reason = _judge(named, ran)
    return {
        "safe": safe,
        "reason": reason,
        "hazards": named[:NAMED],
        "target": ran["target"] if ran else None,
        "parity": ran["parity"] if ran else None,
    }


def hazards(nodes: list[Hazard]) -> list[Hazard]:
    """The nodes that overflow, the furthest first, then those that flush, the most first."""
    risky = [node for node in nodes if _overflows(node) or node["flush_share"] > FLUSHED]
    risky.sort(key=lambda node: (-node["overflow_share"], -node["max_abs"]))
    risky.sort(key=lambda node: (not _overflows(node), -node["flush_share"]))
    return [
        {
            "node": node["node"],
            "op": node["op"],
            "max_abs": node["max_abs"],
            "overflow_share": node["overflow_share"],
            "flush_share": node["flush_share"],
        }
        for node in risky
    ]


def _overflows(node: Hazard) -> bool:
    return node["max_abs"] > LARGEST


def _judge(named: list[Hazard], ran: Mapping[str, Any] | None) -> tuple[bool | None, str]:
    overflow = next((node for node in named if _overflows(node)), None)
    beyond = f"{overflow['node']} reaches {overflow['max_abs']:.3g}" if overflow else ""
    if ran is None or ran["parity"] is None:
        why = ran["reason"] if ran else "no half-precision backend of the config runs it"
        return None, "; ".join(filter(None, (f"not measured: {why}", beyond)))
    if lost := list(_lost(ran["parity"], ran["bounds"])):
        return False, "; ".join(filter(None, (*lost, beyond)))
    measured = f"as in float32 on {ran['samples']} samples"
    if overflow:
        return None, f"{measured}, but {beyond}, more than float16 holds"
    return True, measured


def _lost(parity: Mapping[str, Any], bounds: Mapping[str, float]) -> Iterator[str]:
    """The bounds that a run in float16 does not keep."""
    for metric, bound in bounds.items():
        value = parity[metric]
        kind = metric_of(metric)
        if value is not None and not kind.keeps(value, bound):
            yield f"{metric} {value:.3g} against float32, must be {kind.sign} {bound:g}"
