"""Which models likely tell classes apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.tensors.signature import TensorSpec

#: Classes of ImageNet, without and with one for none of them: of these, logits are known too.
IMAGENET = (1000, 1001)


def propose(outputs: Sequence[TensorSpec]) -> Mapping[str, Any] | None:
    """One output of several numbers that are a softmax, or as many as ImageNet has classes."""
    sizes = [size for size in outputs[0].shape[1:] if size != 1]
    if len(outputs) != 1 or len(sizes) != 1:
        return None
    (count,) = sizes
    is_softmax = outputs[0].softmax and count is not None
    return {} if is_softmax or count in IMAGENET else None
