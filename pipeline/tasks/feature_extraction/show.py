"""A sample's embedding in a report: how near the artifact's is to the source's."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.tasks.contract import About, Line, Shown
from pipeline.tasks.feature_extraction.answers import embeddings, unit
from pipeline.tasks.feature_extraction.options import Options
from pipeline.tensors.arrays import Array, Arrays


def show(
    source: Arrays, artifact: Arrays, truth: Mapping[str, Array] | None, about: About[Options]
) -> Shown:
    """The cosine of the angle between both."""
    ours, theirs = (
        unit(embeddings({name: values[None] for name, values in outputs.items()}, about))[0]
        for outputs in (artifact, source)
    )
    cosine = float(ours @ theirs)
    share = min(max(cosine, 0.0), 1.0)
    return Shown([Line("cosine with the source", "1", f"{cosine:.4f}", 1.0, share)])
