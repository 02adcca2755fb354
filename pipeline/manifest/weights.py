"""How an artifact stores its weights, and which of them stayed float32."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from pipeline.manifest.kinds import Count, NotNegative


class ExactTensor(TypedDict):
    """A weight that stayed float32."""

    name: str
    """As the format called it before it was shortened."""
    shape: list[Count]
    more_bytes: Count
    """Than it would take in fewer bits, before compression."""
    why: Literal["keep", "fourier", "range"]
    """It does most damage of all; it is a table of a Fourier transform, which nobody trained; or
    the values are none that the encoding has."""


class KeptWithin(TypedDict):
    """What the config's keep asks for, and how it is kept."""

    bounds: dict[str, float]
    """Metric -> bound."""
    measured: dict[str, float]
    """Metric -> its value, against float32, on calibration samples."""
    samples: Count
    damages: dict[str, NotNegative | None]
    """Tensor -> the outputs' relative error where it alone is encoded; null where it cannot be
    measured alone."""


class Weights(TypedDict):
    """How weights are stored in fewer bits than float32 has."""

    codec: str
    """float16, uint16, uint8 or int4"""
    more_bytes: Count
    """What those that stayed take more, before compression."""
    exact: list[ExactTensor]
    """Those that stayed float32."""
    keep: NotRequired[KeptWithin]
