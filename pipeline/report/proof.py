"""A proof as the report reads it: what may be absent in an older one has a default here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pipeline.backends.targets import BROWSERS
from pipeline.manifest.parse import measured_or_none
from pipeline.validate.verdict import ProofVerdict, Status

if TYPE_CHECKING:
    from pipeline.manifest import proof

#: Two sessions of one artifact differ by so much in time (Mytkowicz et al. 2009), which the
#: interval of one session cannot know.
SAME_SPEED = 0.02


@dataclass(frozen=True)
class Ratio:
    """Time relative to the float32 artifact of the same format, measured in turn with it."""

    value: float
    low: float
    high: float
    confidence: float
    """0 to 1: how sure it is that the ratio lies between ``low`` and ``high``."""
    reference: str
    reference_ms: float | None = None
    """The reference's median in the same session."""

    @property
    def certain(self) -> bool:
        """Whether it is more than chance, or where in memory an artifact happens to lie."""
        return self.low > 1 + SAME_SPEED or self.high < 1 - SAME_SPEED


def numbers(record: Mapping[str, object]) -> dict[str, float]:
    """The numbers of a record: older ones have others."""
    return {key: value for key, value in record.items() if isinstance(value, int | float)}


@dataclass(frozen=True)
class Proof:
    """One artifact on one target."""

    artifact: str
    record: proof.Validation

    @cached_property
    def verdict(self) -> ProofVerdict:
        return ProofVerdict.of(self.artifact, self.record)

    @cached_property
    def _measured(self) -> proof.Measured | None:
        return measured_or_none(self.record)

    @property
    def target(self) -> str:
        return self.verdict.target

    @property
    def backend(self) -> str:
        return self.record["backend"]

    @property
    def engine(self) -> str | None:
        """The browser engine; ``None`` for what runs in none."""
        named = self.record.get("engine")
        return named if named in BROWSERS else None

    @property
    def status(self) -> Status:
        return self.verdict.status

    @property
    def ran(self) -> bool:
        """Whether anything was measured: what fails may not have run at all."""
        return self._measured is not None

    @property
    def samples(self) -> int | None:
        """On how many samples it ran; ``None``: nobody wrote it down, on all of them."""
        return self._measured.get("samples") if self._measured else None

    @property
    def reason(self) -> str:
        return self.verdict.reason

    @property
    def single_samples(self) -> str:
        """Why samples ran one by one; empty where batches of them did."""
        return (self._measured and self._measured.get("single_samples")) or ""

    @property
    def hardware(self) -> proof.Hardware | None:
        return self._measured["hardware"] if self._measured else None

    @property
    def chain(self) -> proof.Chained | None:
        """Of a model that a detector goes before, both in pictures."""
        return self._measured.get("chain") if self._measured else None

    @property
    def software(self) -> bool:
        """Whether a CPU answered for a GPU: its times say nothing of a GPU."""
        return self.hardware is not None and self.hardware["kind"] == "software"

    @cached_property
    def parity(self) -> dict[str, float]:
        """Metric -> its value, the worst over all outputs."""
        return numbers(self._measured["parity"]) if self._measured else {}

    @property
    def accuracy(self) -> proof.Accuracy | None:
        return self._measured["accuracy"] if self._measured else None

    @cached_property
    def latency(self) -> dict[str, float]:
        """Times in milliseconds, how many, and the bytes that were fetched."""
        return numbers(self._measured["latency"]) if self._measured else {}

    @property
    def memory(self) -> dict[str, float]:
        return numbers(self._measured["latency"].get("memory", {})) if self._measured else {}

    @property
    def median_ms(self) -> float | None:
        return self.latency.get("median_ms")

    @property
    def ratio(self) -> Ratio | None:
        ratio = self._measured["latency"].get("ratio") if self._measured else None
        if not ratio:
            return None
        confidence = ratio.get("confidence", 0.95)
        bounds = (ratio["value"], ratio["low"], ratio["high"])
        reference = ratio.get("reference", "fp32")
        return Ratio(*bounds, confidence, reference, ratio.get("reference_ms"))

    @property
    def gates(self) -> Mapping[str, float]:
        """Metric -> the bound that held here."""
        return (self._measured and self._measured.get("gates")) or {}

    @property
    def not_applied(self) -> list[proof.NotApplied]:
        """Gates that say nothing here."""
        return (self._measured and self._measured.get("not_applied")) or []

    @property
    def worst(self) -> list[proof.WorstSample]:
        return (self._measured and self._measured.get("worst")) or []

    @cached_property
    def snr_db(self) -> float | None:
        """Signal to noise in dB, of the relative error where it was not written down."""
        if self._measured and "snr_db" in self._measured["parity"]:
            return self.parity.get("snr_db")
        error = self.parity.get("relative_error")
        return -20 * math.log10(error) if error else None
