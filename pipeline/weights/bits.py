"""How many bits numbers take: floats of few significant bits, and what entropy coding leaves."""

from __future__ import annotations

from typing import Any

from pipeline.tensors.arrays import np


def significant(values: Any, bits: int) -> Any:
    """Floats rounded to the nearest of so many significant bits."""
    mantissas, exponents = np.frexp(values)
    return np.ldexp(np.rint(np.ldexp(mantissas, bits)), exponents - bits)


def significant_above(values: Any, bits: int) -> Any:
    """Positive floats raised to the next of so many significant bits, where they have more."""
    mantissas, exponents = np.frexp(values)
    return np.ldexp(np.ceil(np.ldexp(mantissas, bits)), exponents - bits)


def entropy(numbers: Any) -> float:
    """Bits per number of an array, Shannon (1948)."""
    return entropy_of_counts(np.unique(numbers, return_counts=True)[1])


def entropy_of_counts(counts: Any) -> float:
    """Bits per number where the distinct ones occur so many times each."""
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log2(share)).sum())
