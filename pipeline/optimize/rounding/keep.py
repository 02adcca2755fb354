"""Rounds all layers but as few as the outputs need in float16."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipeline.base.errors import PipelineError
from pipeline.engine.step import progress
from pipeline.tensors.arrays import Array

if TYPE_CHECKING:
    from pipeline.measures.bounds import Differences
    from pipeline.measures.keeping import Agree
    from pipeline.optimize.rounding.layers import Rounding


def round_within(
    rounding: Rounding, held: Mapping[str, Array], keep: Differences, agree: Agree | None
) -> dict[str, Any]:
    """Round, with as few layers in float16 as keep the bounds on samples that were held back.

    Each time all are rounded anew: what follows a layer in float16 has less to make up for.
    """
    from pipeline.graphs.tensorflow.keeping import Judge
    from pipeline.measures.keeping import fewest, within

    judge = Judge(rounding.stages, held, rounding.plain, keep, agree)
    rounding.run(alone=True)
    ranking = judge.damage(rounding.values, lambda part: progress(part, "ranking layers"))
    result: dict[str, Any] = {}

    def enough(count: int) -> bool:
        kept = list(ranking)[:count]
        layers = rounding.run(kept)
        measured = judge.measure(rounding.values)
        result.update(layers=layers, damage=ranking, kept=kept, measured=measured)
        return within(measured, keep)

    count = fewest(len(ranking), enough)
    if count is None:
        values = ", ".join(f"{name} {result['measured'][name]:.4g}" for name in keep)
        raise PipelineError(
            f"with every layer in float16 the model has {values}",
            where="round.keep",
            todo="ask for less",
        )
    if len(result["kept"]) != count:  # the last that was tried was not enough
        enough(count)
    return result
