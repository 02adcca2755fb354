"""How sure an artifact is of each sample's answer: kept beside a proof, for a cascade."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.tasks.contract import Sure
from pipeline.tensors.arrays import NDArray, np

#: ``answers``: int32 [n]; ``confidence``: float32 [n]; ``right``: bool [n]; and ``metric``.
FILE = "confidence.safetensors"


@dataclass(frozen=True)
class Confidence(Sure):
    """How sure it is, and whether it is right."""

    right: NDArray[np.bool_]
    """[n]: by the truth; where there is none, whether the source answers so too."""
    metric: str
    """What the share of right ones is called."""

    def write(self, folder: Path) -> None:
        from safetensors.numpy import save_file

        arrays = {
            "answers": self.answers,
            "confidence": self.confidence,
            "right": np.ascontiguousarray(self.right),
        }
        save_file(arrays, folder / FILE, {"metric": self.metric})

    @classmethod
    def read(cls, folder: Path) -> Confidence | None:
        """What ``write`` wrote; ``None`` where outputs do not tell how sure they are."""
        from safetensors import safe_open

        if not (folder / FILE).exists():
            return None
        with safe_open(folder / FILE, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return cls(**arrays, metric=file.metadata()["metric"])
