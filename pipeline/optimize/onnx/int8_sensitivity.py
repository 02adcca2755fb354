"""Leaves in float32 the few nodes that int8 damages most, until the rest keeps a bound.

Each node is quantized alone, and what that does to the outputs on calibration samples is its
sensitivity (post-training mixed precision, as in Nagel et al. 2021, arXiv:2106.08295, sec. 3.7).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from pipeline.base import options
from pipeline.base.errors import PipelineError
from pipeline.engine.step import progress
from pipeline.measures.metrics import metric_of
from pipeline.tensors.arrays import Array, NDArray, np
from pipeline.tensors.varying import join

if TYPE_CHECKING:
    Arrays = Mapping[str, NDArray[np.generic]]

#: The nodes -> a model in which they are quantized.
Quantize = Callable[[Sequence[str]], Any]

#: Operators that compute; the others only pass their input on.
COMPUTING = ("Conv", "ConvTranspose", "Gemm", "MatMul", "Add", "Mul", "AveragePool")


class Keep(options.Options):
    """How close to float32 the outputs must stay on calibration samples."""

    relative_error: Annotated[float, Field(gt=0)] | None = None
    """Root mean square error, as a share of how much the outputs vary; at most this."""
    snr_db: Annotated[float, Field(ge=-200, le=200)] | None = None
    """Signal-to-noise ratio of the outputs in dB; at least this."""
    samples: Annotated[int, Field(ge=1)] = 64
    """How many calibration samples it is measured on."""

    @model_validator(mode="after")
    def _some_bound(self) -> Keep:
        if self.relative_error is None and self.snr_db is None:
            raise ValueError("name a bound: relative_error or snr_db")
        return self

    def bounds(self) -> dict[str, float]:
        """Metric -> bound."""
        return self.model_dump(include={"relative_error", "snr_db"}, exclude_none=True)


def within(
    model: Any, samples: Arrays, nodes: Sequence[str], quantize: Quantize, keep: Keep
) -> list[str]:
    """As many of the nodes as can be quantized within the bounds; the most sensitive go first.

    Args:
        model: ``onnx.ModelProto`` in float32.
        samples: input name -> [n, …].
        nodes: what may be quantized.
        quantize: makes a quantized model of some of them.

    Raises:
        PipelineError: the bounds are missed however few are quantized.
    """
    trial = _Trial(model, {name: values[: keep.samples] for name, values in samples.items()}, keep)
    if trial.passes(quantize(nodes)):
        return list(nodes)
    ranked = _ranked(model, nodes, quantize, trial)
    left = _fewest(ranked, lambda worst: trial.passes(quantize(_without(nodes, worst))))
    if left is None:
        raise PipelineError(
            f"no choice of nodes keeps {keep.bounds()} in int8",
            where="quantize.keep",
            todo="loosen the bound, or use float16",
        )
    return _without(nodes, left)


def _ranked(model: Any, nodes: Sequence[str], quantize: Quantize, trial: _Trial) -> list[str]:
    """The nodes that compute, the most sensitive first."""
    kinds = {node.name: node.op_type for node in model.graph.node}
    candidates = [name for name in nodes if kinds[name] in COMPUTING]
    errors = {}
    for i, name in enumerate(candidates):
        progress(i / len(candidates), "measuring sensitivity")
        errors[name] = trial.measure(quantize([name]))["relative_error"]
    return sorted(candidates, key=lambda name: -errors[name])


def _fewest(ranked: Sequence[str], passes: Callable[[Sequence[str]], bool]) -> Sequence[str] | None:
    """The shortest start of ``ranked`` that passes, if longer ones do too; ``None``: none does."""
    if not passes(ranked):
        return None
    low, high = 0, len(ranked)  # that of ``low`` fails, that of ``high`` passes
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(ranked[:middle]) else (middle, high)
    return ranked[:high]


def _without(nodes: Sequence[str], left: Sequence[str]) -> list[str]:
    return [name for name in nodes if name not in left]


class _Trial:
    """Compares quantized models with the float32 one on the same samples."""

    def __init__(self, model: Any, samples: Arrays, keep: Keep) -> None:
        self._samples, self._bounds = samples, keep.bounds()
        self._wanted = self._outputs(model)

    def measure(self, model: Any) -> dict[str, Any]:
        """The metrics of ``parity`` of a model's outputs against float32's."""
        from pipeline.measures.parity import compare

        return compare(self._outputs(model), self._wanted, {})

    def passes(self, model: Any) -> bool:
        found = self.measure(model)
        return all(
            metric_of(name).keeps(found[name], bound) for name, bound in self._bounds.items()
        )

    def _outputs(self, model: Any) -> dict[str, Array]:
        """[n, …] of each float output; what is not one row a sample, by batches."""
        from pipeline.graphs.onnx import observe

        runs = list(observe.runs(model, self._samples))
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
