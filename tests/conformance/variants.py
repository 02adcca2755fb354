"""What techniques make of a model: the artifacts besides float32, as a plan makes them.

An artifact's name is that of a release: ``FORMAT/TECHNIQUE``, and ``FORMAT`` alone in float32.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.conformance.case import Array
from tests.conformance.outcome import TOLERANCE, VARIANT_BACKENDS

if TYPE_CHECKING:
    from pipeline.backends.targets import Target
    from pipeline.base.options import StrictOptions
    from pipeline.optimize.contract import Technique

#: The backend on which the variants of a format are tried.
PROVED_ON = dict(zip(("onnx", "tfjs-graph"), VARIANT_BACKENDS, strict=True))


def names(formats: Sequence[str], techniques: Sequence[str]) -> Iterator[str]:
    """``FORMAT/TECHNIQUE`` of each technique in each format that holds it."""
    from pipeline.export.contract import formats as all_formats
    from pipeline.optimize.contract import techniques as all_techniques

    for format_name in filter(PROVED_ON.__contains__, formats):
        format_ = all_formats()[format_name]
        for name in techniques:
            holds = all_techniques()[name].formats
            refused = format_.cannot_hold(name, format_.options())
            if refused is None and (holds is None or format_name in holds):
                yield f"{format_name}/{name}"


def runs(target: Target, artifact: str) -> bool:
    """Whether an artifact is tried there."""
    format_name, _, name = artifact.partition("/")
    return target.runs(format_name) and (not name or target.backend in VARIANT_BACKENDS)


def package(format_: Any, converted: Path, artifact: str, samples: Path, work: Path) -> Path:
    """Float32 CONVERTED -> the ARTIFACT of this name, below ``work``.

    Args:
        samples: SAMPLES, which some techniques calibrate with.
    """
    from pipeline.export.keep import KeepOptions
    from pipeline.optimize.contract import WeightOptions, techniques

    format_name, _, name = artifact.partition("/")
    technique = techniques()[name] if name else None
    work.mkdir(parents=True, exist_ok=True)
    details: dict[str, Any] = {"format": format_name, "variant": name or "fp32"}
    details["shard_bytes"] = 2**22
    given = {"model": converted, "samples": samples}
    chosen = _within_bounds(technique, artifact) if technique else None
    if technique and technique.codec:
        assert isinstance(chosen, WeightOptions) and chosen.keep
        codec_options = chosen.codec_options()
        details |= {"codec": name, "codec_options": codec_options}
        keep = KeepOptions(codec=name, codec_options=codec_options, keep=chosen.keep)
        kept = _new(work / f"kept-{name}")
        format_.keep(given, keep, kept)
        given["kept"] = kept
    elif technique and technique.step:
        changed = _new(work / name)
        technique.step(given, chosen, changed)
        given["model"] = changed
    kind, packaged = format_.package.options_type, _new(work / f"artifact-{name or 'fp32'}")
    known = {key: value for key, value in details.items() if key in kind.model_fields}
    inputs = {input_: given[input_] for input_ in given if input_ in format_.package.inputs}
    format_.package(inputs, kind(**known), packaged)
    return packaged


def _within_bounds(technique: Technique, artifact: str) -> StrictOptions:
    """The usual options, and ``keep`` where there is one: as the error of a missed gate advises."""
    if "keep" not in technique.options.model_fields:
        return technique.options()
    bound = bounds(artifact, PROVED_ON[artifact.partition("/")[0]])
    keep = {"relative_error": bound["tolerance"], "worst_sample_error": bound["worst_sample"]}
    return technique.options.model_validate({"keep": keep})


def write_samples(inputs: Mapping[str, Array], folder: Path) -> None:
    """SAMPLES for techniques: all of a model's inputs, to calibrate with."""
    from pipeline.artifacts.samples_folder import SamplesFolder

    samples = SamplesFolder(folder)
    _new(samples.calibration.folder)
    samples.calibration.write_inputs(inputs)
    samples.describe({})


def bounds(artifact: str, backend: str, float32: float = TOLERANCE) -> dict[str, float | None]:
    """How far an artifact may be off: the product's own bounds where a config has no gates.

    Args:
        float32: the tolerance of artifacts that no technique changed.
    """
    from pipeline.validate.tolerances import WORST_SAMPLE, tolerance

    name = artifact.partition("/")[2]
    if not name:
        return {"tolerance": float32, "worst_sample": None}
    return {"tolerance": tolerance([name], backend), "worst_sample": WORST_SAMPLE}


def _new(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
