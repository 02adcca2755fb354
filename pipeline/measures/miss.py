"""A bound that was not kept, as a table and an error say it."""

from __future__ import annotations

from dataclasses import dataclass

#: Metrics that may be no smaller than their bound; all others may be no larger.
FLOORS = frozenset({"cosine", "snr_db", "top1_agreement", "top5_agreement", "half_precision"})


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
        value = "not measured" if self.value is None else f"{self.value:.6g}"
        sign = ">=" if self.metric in FLOORS else "<="
        where = f"{self.artifact} on {self.backend}"
        if self.metric == "half_precision":
            lost = value if self.value is None else "not safe"
            return f"{where}: {lost} in float16, as half-precision GPUs use it; must be safe"
        if self.metric == "product_sum":  # of its weights, wherever it runs
            return (
                f"{self.artifact}: two products may add up to {self.value:,.0f}, and some "
                f"processors cut off what is over {self.bound:,.0f}"
            )
        return f"{where}: {self.metric} {value}, must be {sign} {self.bound:g}"


def kept(metric: str, value: float, bound: float) -> bool:
    """Whether a value keeps its bound."""
    # A difference of two shares carries float64's rounding; 1e-9 is far below one sample.
    return value >= bound - 1e-9 if metric in FLOORS else value <= bound + 1e-9
