"""What every node of a frozen graph gives, measured against what float16 can hold.

Phones and other half-precision GPUs keep each tensor in float16: what is larger than 65504 becomes
infinite there, what is smaller than 2^-24 becomes zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.artifacts.frozen import Frozen
from pipeline.artifacts.proof import Ranges
from pipeline.artifacts.samples_folder import SamplesFolder
from pipeline.base.options import NoOptions
from pipeline.engine.step import step
from pipeline.graphs.tensorflow.large import Outside
from pipeline.tensors.arrays import Array, Float32s, Int64s, np

if TYPE_CHECKING:
    Reduced = tuple[Float32s, Float32s, Int64s]

#: How many of the test samples are run: enough to see a node's scale, and for a MobileNet at 224
#: pixels a quarter of a second.
SAMPLES = 4

#: Values of a constant that are looked at together.
BLOCK = 2**20

#: float16's largest finite number, its smallest and its smallest normal one.
LARGEST, SMALLEST, NORMAL = 65504.0, 2.0**-24, 2.0**-14

#: Where the bins count infinite values and NaN: the largest exponent, of either sign.
NOT_FINITE = [255, 511]

#: Constants, and nodes whose output is their input.
_SKIPPED = frozenset(
    {"Const", "Identity", "Reshape", "Squeeze", "ExpandDims", "StopGradient", "Snapshot"}
)


@step(version=2, lane="tensorflow", tools=("tensorflow",))
def scan(frozen: Frozen, samples: SamplesFolder, options: NoOptions, work: Path) -> None:
    """FROZEN and SAMPLES -> RANGES: of each float32 node its range on the samples.

    ``{"samples": n, "nodes": [{"node", "op", "min", "max", "max_abs", "nonfinite",
    "overflow_share", "flush_share", "subnormal_share"}]}``: extremes are those of finite values,
    shares those of values that are finite and not zero.
    """
    arrays = samples.test.inputs(SAMPLES)
    count = len(next(iter(arrays.values())))
    nodes = list(node_ranges(frozen, arrays))
    Ranges(work).write({"samples": count, "nodes": nodes})


def node_ranges(frozen: Frozen, arrays: Mapping[str, Array]) -> Iterator[dict[str, Any]]:
    """The range of every node: of the constants, then of the others, in the graph's order.

    Args:
        arrays: [n, …] by public input name. They are run one by one, or in the batch that the
            model fixes, and reduced by TensorFlow: no more is kept than one run needs.
    """
    import tensorflow as tf

    graph_def, large = frozen.outline(), Outside(frozen.large)
    kinds = {node.name: node.op for node in graph_def.node}
    large.hide(graph_def)
    for node in graph_def.node:
        if kinds[node.name] == "Const" and node.attr["dtype"].type == tf.float32.as_datatype_enum:
            hidden = large.values.get(node.name)
            values = tf.make_ndarray(node.attr["value"].tensor) if hidden is None else hidden
            yield {"node": node.name, "op": "Const", **range_of(*reduce(values))}
    with tf.Graph().as_default() as graph:
        tf.graph_util.import_graph_def(graph_def, name="")
        every = graph.get_operations()
        operations = [op for op in every if _is_measured(op) and op.name not in large.values]
        fetches = _reductions(operations)
    lows, highs, bins_of = _run(graph, fetches, frozen, arrays, large.values)
    broken = np.flatnonzero(bins_of[:, NOT_FINITE].any(axis=1))
    if broken.size:
        with graph.as_default():
            fetches = _reductions([operations[i] for i in broken], finite=True)
        lows[broken], highs[broken], _ = _run(graph, fetches, frozen, arrays, large.values)
    for operation, low, high, bins in zip(operations, lows, highs, bins_of, strict=True):
        yield {"node": operation.name, "op": operation.type, **range_of(low, high, bins)}


def reduce(values: Float32s) -> tuple[float, float, Int64s]:
    """What ``_reductions`` gives of a node, of an array, which may be one mapped to a file."""
    low, high, bins = np.inf, -np.inf, np.zeros(512, np.int64)
    flat = np.atleast_1d(values).reshape(-1)
    for start in range(0, flat.size, BLOCK):
        block = flat[start : start + BLOCK]
        finite = np.where(np.isfinite(block), block, np.float32(0))
        low, high = min(low, finite.min()), max(high, finite.max())
        bins += np.bincount(block.view(np.uint32) >> 23, minlength=512)
    return low, high, bins


def _is_measured(operation: Any) -> bool:
    outputs = operation.outputs
    return bool(outputs) and outputs[0].dtype == "float32" and operation.type not in _SKIPPED


def _reductions(operations: list[Any], *, finite: bool = False) -> list[Any]:
    """Smallest and largest value [n] and numbers of values by exponent [n, 512] of n nodes.

    With ``finite`` the extremes are those of finite values; most nodes have no others, and to look
    at each value for it takes a third of the time.

    A float32's sign and exponent are its upper nine bits, so that one histogram of them counts
    what is too large and too small at once. The raw operations share their constants: building
    these takes a fifth of the time of the usual ones.
    """
    import tensorflow as tf

    raw = tf.raw_ops
    flat, axis, zero = tf.constant([-1]), tf.constant([0]), tf.constant(0.0)
    mantissa, size = tf.constant(23, tf.uint32), tf.constant(512)
    none = tf.constant([], tf.int32)

    def reduced(tensor: Any) -> tuple[Any, Any, Any]:
        values = raw.Reshape(tensor=tensor, shape=flat)
        upper = raw.RightShift(x=raw.Bitcast(input=values, type=tf.uint32), y=mantissa)
        exponents = raw.Bitcast(input=upper, type=tf.int32)
        bins = raw.Bincount(arr=exponents, size=size, weights=none)
        if finite:
            values = raw.SelectV2(condition=raw.IsFinite(x=values), t=values, e=zero)
        return raw.Min(input=values, axis=axis), raw.Max(input=values, axis=axis), bins

    columns = zip(*(reduced(operation.outputs[0]) for operation in operations), strict=True)
    return [tf.stack(column) for column in columns]


def _run(
    graph: Any,
    fetches: Any,
    frozen: Frozen,
    arrays: Mapping[str, Array],
    large: Mapping[str, Array],
) -> Reduced:
    """Every sample through the graph, and the reductions of all runs as one.

    Args:
        large: what its placeholders for large constants stand for.
    """
    import tensorflow as tf

    from pipeline.tensors.batches import infer_in_batches

    signature = frozen.signature
    size = next((spec.shape[0] for spec in signature.inputs if spec.shape), None) or 1
    runs: list[Reduced] = []
    with tf.compat.v1.Session(graph=graph, config=_as_it_is()) as session:

        def observe(batch: dict[str, Array]) -> dict[str, Array]:
            feeds = {f"{name}:0": value for name, value in (*batch.items(), *large.items())}
            runs.append(session.run(fetches, feeds))
            return {}

        for start in range(0, len(next(iter(arrays.values()))), size):
            batch = {name: values[start : start + size] for name, values in arrays.items()}
            infer_in_batches(observe, batch, signature.inputs)
    return join(runs)


def _as_it_is() -> Any:
    """The graph is run a few times only: rewriting it for speed would take longer than it saves."""
    import tensorflow as tf

    config = tf.compat.v1.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    config.graph_options.optimizer_options.opt_level = -1
    return config


def join(runs: list[Reduced]) -> Reduced:
    """The reductions of all runs as one."""
    lows, highs, bins = zip(*runs, strict=True)
    return np.min(lows, axis=0), np.max(highs, axis=0), np.sum(bins, axis=0, dtype=np.int64)


def range_of(low: float, high: float, bins: Int64s) -> dict[str, Any]:
    """What the scan says of one node.

    Args:
        bins: int [512], numbers of values by sign and biased exponent. Float32's own subnormal
            numbers count as zeros; what is too large is counted from 2^16 on.
    """
    exponents = bins[:256] + bins[256:]
    finite = max(int(exponents[1:255].sum()), 1)

    def share(first: int, end: int) -> float:
        return _short(int(exponents[first:end].sum()) / finite)

    empty = not bins.any()
    return {
        "min": 0.0 if empty else _short(low),
        "max": 0.0 if empty else _short(high),
        "max_abs": 0.0 if empty else _short(max(-low, high)),
        "nonfinite": int(exponents[255]),
        "overflow_share": share(_biased_exponent(LARGEST) + 1, 255),
        "flush_share": share(1, _biased_exponent(SMALLEST)),
        "subnormal_share": share(_biased_exponent(SMALLEST), _biased_exponent(NORMAL)),
    }


def _biased_exponent(value: float) -> int:
    """The exponent of a float32 as its bits hold it."""
    return math.frexp(value)[1] - 1 + 127


def _short(value: float) -> float:
    """Six digits: the last ones depend on the processor."""
    return float(f"{value:.6g}")
