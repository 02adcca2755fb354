"""What a build made and measured, piece by piece, and the names under which it keeps the pieces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.artifacts.artifact import ArtifactFolder
from pipeline.artifacts.proof import HalfProof, Portability, Proof, Ranges, Twins
from pipeline.artifacts.samples_folder import Golden

GOLDEN = "golden"


def name_proof(artifact: str, target: str) -> str:
    """The name of an artifact's proof on a target."""
    return f"{artifact} {target}"


def name_ranges(artifact: str) -> str:
    return f"{artifact} ranges"


def name_graph(artifact: str) -> str:
    """The name of the comparison of an artifact's graph with the source as it came."""
    return f"{artifact} graph"


def name_half(artifact: str) -> str:
    return f"{artifact} half"


def name_portability(artifact: str) -> str:
    return f"{artifact} portable"


def name_compressed(artifact: str) -> str:
    """The name of an artifact's twins, and of the node that makes them."""
    return f"compress {artifact}"


def name_search(variant: str) -> str:
    return f"search {variant}"


def of_detector(name: str) -> str:
    """The name of a piece of the detector's evidence, beside that of the model behind it."""
    return " ".join(f"detector:{word}" for word in name.split())


@dataclass(frozen=True)
class Evidence:
    """The pieces as classes of their folders."""

    open: Callable[[str], Path | None]
    """Name -> folder; ``None`` where there is none, or not any more."""

    @property
    def golden(self) -> Golden | None:
        folder = self.open(GOLDEN)
        return Golden(folder) if folder else None

    def artifact(self, artifact: str) -> ArtifactFolder:
        return ArtifactFolder(self._need(artifact))

    def twins(self, artifact: str) -> Twins | None:
        folder = self.open(name_compressed(artifact))
        return Twins(folder) if folder else None

    def proof(self, artifact: str, target: str) -> Proof:
        return Proof(self._need(name_proof(artifact, target)))

    def find_proof(self, artifact: str, target: str) -> Proof | None:
        """The same where it may be gone."""
        folder = self.open(name_proof(artifact, target))
        return Proof(folder) if folder else None

    def ranges(self, artifact: str) -> Ranges:
        return Ranges(self._need(name_ranges(artifact)))

    def half(self, artifact: str) -> HalfProof | None:
        folder = self.open(name_half(artifact))
        return HalfProof(folder) if folder else None

    def portability(self, artifact: str) -> Portability | None:
        folder = self.open(name_portability(artifact))
        return Portability(folder) if folder else None

    def _need(self, name: str) -> Path:
        folder = self.open(name)
        if folder is None:
            raise KeyError(name)
        return folder


#: Of a manifest without its build.
NO_EVIDENCE = Evidence(lambda name: None)
