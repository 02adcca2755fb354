"""How sure an artifact is of each sample's class: kept beside a proof, for a cascade."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.base.registry import discover
from pipeline.tensors.arrays import Array, Float32s, NDArray, np

#: ``classes``: int32 [n]; ``confidence``: float32 [n].
FILE = "confidence.safetensors"


@dataclass(frozen=True)
class Confidence:
    """Of each sample, the first class and its probability."""

    classes: NDArray[np.int32]
    """[n]."""
    confidence: Float32s
    """[n]."""

    def write(self, folder: Path) -> None:
        from safetensors.numpy import save_file

        save_file({"classes": self.classes, "confidence": self.confidence}, folder / FILE)

    @classmethod
    def read(cls, folder: Path) -> Confidence | None:
        """What ``write`` wrote; ``None`` where a model has no probabilities of classes."""
        from safetensors.numpy import load_file

        return cls(**load_file(folder / FILE)) if (folder / FILE).exists() else None


def confidence(
    task: str, outputs: Mapping[str, Array], softmax: Mapping[str, bool]
) -> Confidence | None:
    """The confidence of [n, …] outputs; ``None`` where they are no probabilities of classes."""
    scores_of = getattr(discover("tasks", "accuracy")[task], "scores", None)
    if scores_of is None or not all(softmax.values()):
        return None
    # A NaN is no class that anything could be sure of.
    scores = np.nan_to_num(scores_of(outputs).astype(np.float32), nan=0.0)
    return Confidence(scores.argmax(axis=1).astype(np.int32), scores.max(axis=1))
