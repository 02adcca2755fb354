"""What a config does that is allowed, and that its author may not expect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from pipeline.base.options import StrictOptions
from pipeline.config.config import Config
from pipeline.optimize.contract import Technique
from pipeline.tensors.signature import Signature


def notes(config: Config) -> Iterator[str]:
    """One line for each: where, what will happen, and what to do about it."""
    for name, variant in config.variants.items():
        for text in _rounded_twice(variant.techniques()):
            yield f"variants.{name}: {text}"


def changes(frozen: Mapping[str, Any], signature: Signature) -> Iterator[str]:
    """What a model was called, or computed in, that its artifacts are not.

    Args:
        frozen: the facts of the FROZEN folder.
    """
    for dtype in frozen.get("dtypes", ()):
        yield (
            f"source: {dtype} becomes float32, which browsers compute in; artifacts are compared "
            f"with the source's own answers in {dtype}"
        )
    for side in ("inputs", "outputs"):
        for spec in getattr(signature, side):
            if spec.renamed_from is not None:
                yield f"source: {side[:-1]} {spec.renamed_from!r} is called {spec.name!r}"
    for before, name in frozen.get("renamed_layers", {}).items():
        yield f"source: layer {before!r} is called {name!r}, a name that TensorFlow takes"


def _rounded_twice(chain: Sequence[tuple[Technique, StrictOptions]]) -> Iterator[str]:
    """Grids that a later technique does not keep."""
    rounding = [(t, t.levels_given(o)) for t, o in chain if t.levels_given]
    keepers = [(t, t.levels_kept(o)) for t, o in chain if t.levels_kept]
    for (first, levels), (later, most) in product(rounding, keepers):
        if levels > most:
            yield (
                f"{first.name} may give a weight {levels} values, and {later.name} keeps {most}: "
                "weights with more are rounded anew, by what they are and not by what they do; "
                f"set {first.key}.levels to {most}"
            )
