"""Writes a folder that shows one wrong node without this pipeline: the model cut out around it,
the source's tensors that go in, the tensor that should come out, and what runs it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.artifacts.artifact import ArtifactFolder
from pipeline.bisect.compare import Comparison, SeenTensor, call, cut_of
from pipeline.bisect.differences import LargestDifference, from_source
from pipeline.bisect.graph import Cut
from pipeline.bisect.source import contiguous
from pipeline.bisect.verdict import Finding
from pipeline.tensors.arrays import Array

FACTS = "reproduction.json"

README = """\
# {op}: an output that TensorFlow does not give

Node `{node}` ({op}) of a model that was converted from TensorFlow, cut out with its weights.
Given the tensors that TensorFlow computes, it {what}.
Its output is `{output}`, TensorFlow's is `{source}`.

Found on {target} ({hardware}). To see it here:

```
{command}
```

| file | holds |
|---|---|
{files}
"""

#: File -> what the README says of it.
FILES = {
    "README.md": "this text",
    "expected.safetensors": "the tensor that should come out",
    "inputs.safetensors": "the tensors that go in",
    "model.json": "the node, with what it stood together with",
    "model.onnx": "the node, with what it stood together with",
    "weights.bin": "their weights",
    FACTS: "what was found, for machines",
}


def write_reproduction(
    comparison: Comparison,
    finding: Finding,
    seen: Mapping[str, SeenTensor],
    tolerance: float,
    folder: Path,
) -> None:
    """Fill ``folder`` with the sample on which the node is most wrong."""
    from safetensors.numpy import save_file

    cut = cut_of([finding.region], seen)
    with tempfile.TemporaryDirectory(dir=comparison.work) as temporary:
        comparison.format.cut(comparison.artifact, cut, Path(temporary))
        comparison.format.unpack(Path(temporary), folder)
        part = ArtifactFolder(Path(temporary))
        names = {spec.name for spec in part.signature.inputs}
    sample, scale = _worst_sample(comparison, finding, cut, seen)
    feeds = comparison.trace.feeds(sample) | comparison.fed_tensors(cut, seen, sample)
    used = {name: value for name, value in feeds.items() if name in names}
    save_file(contiguous(used), folder / "inputs.safetensors")
    expected = _expected_tensor(comparison, finding, seen, sample)
    save_file(contiguous({finding.region.tensor: expected}), folder / "expected.safetensors")
    facts = {**_facts(comparison, finding), "tolerance": tolerance, "scale": scale}
    (folder / FACTS).write_text(json.dumps(facts, indent=1))
    command = comparison.format.write_script(folder, comparison.target)
    (folder / "README.md").write_text(_readme(facts, command, folder))


def _expected_tensor(
    comparison: Comparison, finding: Finding, seen: Mapping[str, SeenTensor], sample: int
) -> Array:
    """The source's tensor; laid out as the artifact's, where the artifact has one."""
    expected = comparison.trace.tensor(finding.source, sample)
    counterpart = seen.get(finding.region.tensor)
    return (
        from_source(expected, counterpart.layout, counterpart.shape).astype(counterpart.dtype)
        if counterpart
        else expected
    )


def _worst_sample(
    comparison: Comparison, finding: Finding, cut: Cut, seen: Mapping[str, SeenTensor]
) -> tuple[int, float]:
    """The sample with the largest difference, and what differences are a share of.

    Any sample where nothing can be compared.
    """
    if finding.reason:
        return 0, 1.0
    every, largest = LargestDifference(), []
    with comparison.opened(cut) as (session, names):
        for sample in range(comparison.trace.samples):
            feeds = comparison.trace.feeds(sample) | comparison.fed_tensors(cut, seen, sample)
            values = call(session, {name: feeds[name] for name in names})[finding.region.tensor]
            expected = _expected_tensor(comparison, finding, seen, sample)
            of_sample = LargestDifference()
            for difference in (of_sample, every):
                difference.add(values, expected)
            largest.append(of_sample.largest)
    return largest.index(max(largest)), every.scale


def _facts(comparison: Comparison, finding: Finding) -> dict[str, Any]:
    """What the script and the README say."""
    target, said = comparison.target, finding.as_json()
    return {
        **{key: said[key] for key in ("node", "op", "source", "reason")},
        "output": finding.region.tensor,
        "target": target.id,
        "hardware": comparison.hardware.get("name"),
        "provider": comparison.hardware.get("details", {}).get("provider", "CPUExecutionProvider"),
        "error": said["error_added"],
    }


def _readme(facts: Mapping[str, Any], command: str, folder: Path) -> str:
    names = sorted({"README.md", *(path.name for path in folder.iterdir())})
    rows = [f"| {name} | {FILES.get(name, 'what runs it')} |" for name in names]
    what = _what(facts)
    return README.format(**facts, what=what, command=command, files="\n".join(rows))


def _what(facts: Mapping[str, Any]) -> str:
    """What the node does instead, as the end of a sentence."""
    if facts["reason"]:
        return str(facts["reason"])
    if facts["error"] is None:
        return "gives values that are not finite"
    error, tolerated = facts["error"], facts["tolerance"]
    return f"gives one that is off by {error:.3g} of its range, where {tolerated:.3g} is tolerated"
