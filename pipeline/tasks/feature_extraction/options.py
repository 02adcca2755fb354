"""What a config says of embeddings: which output they are made of, and how."""

from __future__ import annotations

from typing import Literal

from pipeline.base.options import StrictOptions


class Options(StrictOptions):
    """One vector for each image or text."""

    output: str | None = None
    """The output that it is made of, where the model has several."""

    pool: Literal["none", "mean", "first"] = "none"
    """Of an output with many vectors a sample, which stand on its last axis: the ``mean`` of all,
    but of a text's padding; or the ``first``, as that of BERT's [CLS]. ``none``: it has one."""

    normalize: bool = True
    """Divide by the length, so that the product of two is the cosine of their angle."""
