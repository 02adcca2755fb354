"""Whether arrays have the shapes that a model reads."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.base.errors import SourceError
from pipeline.tensors.signature import TensorSpec


def check_shape(spec: TensorSpec, shape: Sequence[int], where: str, todo: str) -> None:
    """Compare a sample's shape with an input's, whose first axis counts samples.

    Raises:
        SourceError: they differ; with ``todo`` as what to do.
    """
    if not fits(shape, spec.shape[1:]):
        raise SourceError(
            f"samples for {spec.name} are {shown(shape)}, the model reads "
            f"{shown(spec.shape[1:])} per sample",
            where=where,
            todo=todo,
        )


def fits(shape: Sequence[int], pattern: Sequence[int | None]) -> bool:
    """Whether a shape is the wanted one, of which some sizes are free."""
    return len(shape) == len(pattern) and all(
        want in (None, have) for want, have in zip(pattern, shape, strict=True)
    )


def shown(shape: Sequence[int | None]) -> str:
    """A shape for people: ``[?, 64, 64, 3]``."""
    return "[" + ", ".join("?" if size is None else str(size) for size in shape) + "]"
