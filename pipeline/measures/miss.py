"""A bound that was not kept, as a table and an error say it."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.measures.metrics import metric_of


@dataclass(frozen=True)
class Miss:
    """One bound that was not kept."""

    artifact: str
    backend: str
    """The target: a backend, with the engine it ran in."""
    metric: str
    value: float | None
    """``None``: the backend or task does not measure this metric."""
    bound: float

    def __str__(self) -> str:
        metric = metric_of(self.metric)
        value = "not measured" if self.value is None else f"{self.value:.6g}"
        where = f"{self.artifact} on {self.backend}"
        if not metric.missed:
            return f"{where}: {self.metric} {value}, must be {metric.sign} {self.bound:g}"
        if self.value is not None and metric.unit == "yes or no":
            value = "not safe"
        return metric.missed.format(
            artifact=self.artifact,
            where=where,
            value=value,
            measured=self.value or 0.0,
            bound=self.bound,
        )
