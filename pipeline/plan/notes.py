"""What a config does that is allowed, and that its author may not expect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from types import ModuleType

from pipeline.base.options import Options
from pipeline.config.config import Config


def notes(config: Config) -> Iterator[str]:
    """One line for each: where, what will happen, and what to do about it."""
    for name, variant in config.variants.items():
        for text in _rounded_twice(variant.techniques()):
            yield f"variants.{name}: {text}"


def _rounded_twice(chain: Sequence[tuple[ModuleType, Options]]) -> Iterator[str]:
    """Grids that a later technique does not keep."""
    given = [(m, m.levels_given(o)) for m, o in chain if hasattr(m, "levels_given")]
    kept = [(m, m.levels_kept(o)) for m, o in chain if hasattr(m, "levels_kept")]
    for (first, levels), (later, most) in product(given, kept):
        if levels > most:
            yield (
                f"{first.NAME} may give a weight {levels} values, and {later.NAME} keeps {most}: "
                "weights with more are rounded anew, by what they are and not by what they do; "
                f"set {first.KEY}.levels to {most}"
            )
