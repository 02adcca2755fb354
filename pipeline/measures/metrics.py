"""The metrics that every model has, and the registry of these and of those that tasks bring."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import get_args

from pipeline.base.registry import discover
from pipeline.measures.metric import Limits, Metric, Of

OUTPUTS = (
    Metric(
        "max_abs_error",
        "max error",
        "outputs",
        gate=Limits(
            "Largest absolute difference from the golden, over all outputs and samples.", least=0
        ),
    ),
    Metric(
        "mean_abs_error",
        "mean error",
        "outputs",
        gate=Limits(
            "Mean absolute difference from the golden; the worst output counts.",
            least=0,
        ),
    ),
    Metric(
        "relative_error",
        "relative error",
        "outputs",
        gate=Limits(
            "Root mean square error, as a share of how much the golden itself varies over the "
            "samples.",
            least=0,
        ),
    ),
    Metric(
        "worst_sample_error",
        "relative error of one sample",
        "outputs",
        gate=Limits(
            "The same of the sample that is furthest off, for outputs of fractions and of one "
            "shape: 1 is as far as the mean answer, 1.4 as far as another sample's answer.",
            least=0,
        ),
    ),
    Metric(
        "elementwise_relative_error",
        "relative error, by element",
        "outputs",
        gate=Limits(
            "Largest difference of an element as a share of the golden's element; elements below "
            "1 % of their output's root mean square are compared by that.",
            least=0,
        ),
    ),
    Metric(
        "cosine",
        "cosine",
        "outputs",
        better="higher",
        unit="cosine",
        gate=Limits(
            "Smallest cosine similarity between a sample's output and its golden.", least=-1, most=1
        ),
    ),
    Metric(
        "snr_db",
        "signal to noise",
        "outputs",
        better="higher",
        unit="dB",
        gate=Limits(
            "Signal-to-noise ratio in dB: the golden's size over the error's; at least this.",
            least=-200,
            most=200,
        ),
    ),
    Metric(
        "share_over_0_01",
        "off by more than 0.01",
        "outputs",
        unit="percent",
        gate=Limits(
            "Share of elements that differ from the golden by more than 0.01; at most this.",
            least=0,
            most=1,
        ),
    ),
    Metric(
        "share_over_0_1",
        "off by more than 0.1",
        "outputs",
        unit="percent",
        gate=Limits(
            "Share of elements that differ from the golden by more than 0.1; at most this.",
            least=0,
            most=1,
        ),
    ),
    Metric(
        "logits_max_abs_error",
        "max error of logits",
        "outputs",
        gate=Limits(
            "The same as max_abs_error on the logits, for outputs that are a softmax.", least=0
        ),
    ),
    Metric(
        "other_shapes",
        "other shapes",
        "outputs",
        unit="percent",
        gate=Limits(
            "Share of samples on which an output has another shape than the golden's, for outputs "
            "whose shape depends on the sample: other boxes were found; at most this.",
            least=0,
            most=1,
        ),
    ),
    # No gate, since none is a bound on it always.
    Metric("nonfinite", "NaN or infinite", "outputs", unit="count", is_total=True),
)
"""Of raw outputs: ``pipeline.measures.parity`` measures them in this order."""

#: What is lost of the metric that a task measures by the truth.
LOSS = "accuracy_drop"

#: Of a model that a detector goes before, both in a page.
CHAIN = "chain_agreement"

OTHERS = (
    Metric(
        CHAIN,
        "points where the source models have them, with the detector",
        "answers",
        better="higher",
        unit="percent",
        gate=Limits(
            "Of a config with region: the share of points that the detector and the model put in "
            "the same place as their source models do, within 1 % of the side of the square that "
            "was looked at, in pictures; 0.95 unless a gate says otherwise. Measured in pages.",
            least=0,
            most=1,
        ),
        short="with the detector",
    ),
    Metric(
        LOSS,
        "accuracy lost",
        "truth",
        unit="percent",
        gate=Limits(
            "By how much the task's metric may be worse than the source's, in its own unit; of a "
            "share, 0.01 = one point. Missed where all of the paired confidence interval is above, "
            "or the loss by more than a point, or a hundredth of what is no share; see strict."
        ),
        interval="paired",
    ),
    Metric(
        "half_precision",
        "safe in half precision",
        "artifact",
        better="higher",
        unit="yes or no",
        gate=Limits(
            "Whether the artifact must be safe on a GPU that keeps tensors in float16, as those of "
            "phones do: measured for TF.js formats where validate.backends has tfjs-webgl.",
            bool,
        ),
        missed="{where}: {value} in float16, as half-precision GPUs use it; must be safe",
    ),
    Metric(
        "portable",
        "portable",
        "artifact",
        better="higher",
        unit="yes or no",
        gate=Limits(
            "false lets an artifact pass whose integer products some processors cut off, such as "
            "x86 without VNNI; `portable: false` of int8 does as well.",
            bool,
        ),
    ),
    Metric(
        "product_sum",
        "sum of two products",
        "artifact",
        unit="sum",
        is_everywhere=True,
        missed="{artifact}: two products may add up to {measured:,.0f}, and some processors cut "
        "off what is over {bound:,.0f}",
    ),
    Metric(
        "latency_ratio",
        "time relative to fp32",
        "time",
        unit="ratio",
        gate=Limits(
            "How many times as long as its format's float32 artifact, timed in turn with it, it "
            "may take. Missed where all of the confidence interval is above; not applied to what "
            "has no such ratio, nor on a rasterizer, whose speed says nothing of a GPU's.",
            above=0,
        ),
    ),
    Metric(
        "bytes",
        "bytes",
        "size",
        unit="bytes",
        gate=Limits("Largest size of all files of the artifact together.", int, least=1),
    ),
    Metric(
        "wire_bytes",
        "bytes on the wire",
        "size",
        unit="bytes",
        gate=Limits(
            "The same after brotli, as it goes over the wire; not applied in a build that may "
            "publish nothing, since it compresses nothing.",
            int,
            least=1,
        ),
    ),
)

GENERAL: Mapping[str, Metric] = {metric.name: metric for metric in (*OUTPUTS, *OTHERS)}


@cache
def of_tasks() -> Mapping[str, Mapping[str, Metric]]:
    """Task -> the metrics that it brings, by name."""
    tasks = [module.TASK for module in discover("tasks", "TASK").values()]
    return {task.name: {metric.name: metric for metric in task.metrics} for task in tasks}


@cache
def all_metrics() -> Mapping[str, Metric]:
    """Every metric that is known, general and of any task, sorted by what is measured.

    Raises:
        ValueError: two of one name.
    """
    order = get_args(Of)
    by_name: dict[str, Metric] = dict(GENERAL)
    for task, metrics in of_tasks().items():
        for name, metric in metrics.items():
            if by_name.setdefault(name, metric) != metric:
                raise ValueError(f"the metric {name} of {task} has the name of another")
    return dict(sorted(by_name.items(), key=lambda pair: order.index(pair[1].of)))


@cache
def _declared_apart() -> Mapping[str, Metric]:
    """What tasks declare in a ``metrics.py`` of their own, which needs nothing of the task."""
    tasks = import_module("pipeline.tasks")
    modules = (
        import_module(f"{tasks.__name__}.{file.parent.name}.metrics")
        for home in tasks.__path__
        for file in sorted(Path(home).glob("*/metrics.py"))
    )
    return {metric.name: metric for module in modules for metric in module.METRICS}


def task_with(name: str) -> str:
    """A task that brings a metric, by its name.

    Raises:
        StopIteration: none does.
    """
    return next(task for task, metrics in of_tasks().items() if name in metrics)


def metric_of(name: str, of: str = "") -> Metric:
    """A metric by its name; of one that another version of this package measured, a plain one.

    Args:
        of: the metric that is lost, where the name is ``LOSS``.
    """
    if name == LOSS and of:
        return metric_of(of).lost()
    # Tasks are looked for last: what a build with nothing to do prints need not load them.
    metric = GENERAL.get(name) or _declared_apart().get(name) or all_metrics().get(name)
    return metric or Metric(name, name.replace("_", " "), "outputs")
