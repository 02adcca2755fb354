"""Leaves in float32 the few nodes that int8 damages most, until the rest keeps a bound.

Nodes are quantized alone, some together at first, and what that does to the outputs on calibration
samples is their sensitivity (post-training mixed precision, as in Nagel et al. 2021,
arXiv:2106.08295, sec. 3.7).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.base.errors import PipelineError
from pipeline.engine.step import progress
from pipeline.measures.keep import Keep
from pipeline.measures.keeping import Agree, Judge, Ranking, fewest
from pipeline.tensors.arrays import Array, NDArray, np
from pipeline.tensors.varying import join

if TYPE_CHECKING:
    Arrays = Mapping[str, NDArray[np.generic]]

#: The nodes -> a model in which they are quantized.
Quantize = Callable[[Sequence[str]], Any]

#: Operators that compute; the others only pass their input on.
COMPUTING = ("Conv", "ConvTranspose", "Gemm", "MatMul", "Add", "Mul", "AveragePool")

WHERE = "quantize.keep"


def within(
    model: Any,
    samples: Arrays,
    nodes: Sequence[str],
    quantize: Quantize,
    keep: Keep,
    *,
    agree: Agree | None = None,
) -> list[str]:
    """As many of the nodes as can be quantized within the bounds; the most sensitive go first.

    To leave k of n takes about 2 k log2(n) runs of the samples.

    Args:
        model: ``onnx.ModelProto`` in float32.
        samples: input name -> [n, …].
        nodes: what may be quantized.
        quantize: makes a quantized model of some of them.
        keep: the bounds, and how many samples they are measured on.
        agree: how answers are compared, where a bound is on that.

    Raises:
        PipelineError: the bounds are missed however few are quantized.
    """
    few = {name: values[: keep.samples] for name, values in samples.items()}
    judge = Judge(_outputs(model, few), keep.bounds(), WHERE, agree=agree)

    def damage(some: Sequence[str]) -> float:
        progress(0.5, "measuring sensitivity")
        return judge.damage(_outputs(quantize(some), few))

    kinds = {node.name: node.op_type for node in model.graph.node}
    candidates = [name for name in nodes if kinds[name] in COMPUTING]
    ranking = Ranking(candidates, damage)

    def enough(count: int) -> bool:
        return judge.passes(_outputs(quantize(_without(nodes, ranking.first(count))), few))

    count = fewest(len(candidates), enough)
    if count is None:
        raise PipelineError(
            f"no choice of nodes keeps {keep.bounds()} in int8",
            where=WHERE,
            todo="loosen the bound, or use float16",
        )
    return _without(nodes, ranking.first(count))


def _without(nodes: Sequence[str], left: Sequence[str]) -> list[str]:
    return [name for name in nodes if name not in left]


def _outputs(model: Any, samples: Arrays) -> dict[str, Array]:
    """[n, …] of each output; what is not one row a sample, by batches."""
    from pipeline.graphs.onnx import observe

    runs = list(observe.runs(model, samples))
    counts = [len(next(iter(batch.values()))) for batch, _ in runs]
    names = [value.name for value in model.graph.output]
    columns = zip(*(values for _, values in runs), strict=True)
    return {
        name: _column([np.asarray(value) for value in column], counts)
        for name, column in zip(names, columns, strict=True)
    }


def _column(values: Sequence[Array], counts: Sequence[int]) -> Array:
    by_row = all(value.shape[:1] == (n,) for value, n in zip(values, counts, strict=True))
    if by_row and len({value.shape[1:] for value in values}) == 1:
        return np.concatenate(values)
    return join(values)
