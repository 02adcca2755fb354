"""Writes an artifact folder: digest-named files, and ``artifact.json`` that lists them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline.artifacts.large import link
from pipeline.storage.layout import FILES
from pipeline.tensors.signature import Signature

DESCRIPTION = "artifact.json"

Bytes = bytes | bytearray | memoryview


class ArtifactWriter:
    """Collects the files of one artifact under their digests."""

    def __init__(self, work: Path, format_name: str, variant: str, signature: Signature) -> None:
        self._work = work
        self._head = {"format": format_name, "variant": variant}
        self._signature = signature
        self._files: dict[str, dict[str, Any]] = {}
        (work / FILES).mkdir()

    def add_file(self, content: Bytes | Iterable[Bytes], suffix: str) -> str:
        """Write ``content``, whole or in pieces; return its bare name, ``<sha256>.<suffix>``."""
        sha256, aside = hashlib.sha256(), self._work / FILES / ".new"
        with aside.open("wb") as file:
            for piece in [content] if isinstance(content, Bytes) else content:
                sha256.update(piece)
                file.write(piece)
            size = file.tell()
        name = f"{sha256.hexdigest()}.{suffix}"
        aside.replace(self._work / FILES / name)
        self._files[f"{FILES}/{name}"] = {
            "path": f"{FILES}/{name}",
            "sha256": sha256.hexdigest(),
            "bytes": size,
        }
        return name

    def link_file(self, path: Path) -> None:
        """Take over a digest-named file of another artifact."""
        link(path, self._work / FILES / path.name)
        named = f"{FILES}/{path.name}"
        self._files[named] = {"path": named, "sha256": path.stem, "bytes": path.stat().st_size}

    def finish(self, entry: str, weights: dict[str, Any] | None = None) -> None:
        """Write ``artifact.json``.

        Args:
            entry: the file name that a user loads.
            weights: how they are stored, if not in float32.
        """
        description = {
            **self._head,
            "entry": f"{FILES}/{entry}",
            "files": list(self._files.values()),
            "bytes": sum(file["bytes"] for file in self._files.values()),
            **{
                side: [spec.described() for spec in getattr(self._signature, side)]
                for side in ("inputs", "outputs")
            },
            **({"weights": weights} if weights else {}),
        }
        (self._work / DESCRIPTION).write_text(json.dumps(description, indent=1))


@dataclass(frozen=True)
class ArtifactFolder:
    """An ARTIFACT folder: the unit that is proved and published."""

    folder: Path

    @cached_property
    def description(self) -> dict[str, Any]:
        """``artifact.json``, as pages and manifests have it."""
        description: dict[str, Any] = json.loads((self.folder / DESCRIPTION).read_text())
        return description

    @property
    def id(self) -> str:
        """As in ``tfjs-graph/uint8``."""
        return f"{self.format}/{self.variant}"

    @property
    def format(self) -> str:
        return str(self.description["format"])

    @property
    def variant(self) -> str:
        return str(self.description["variant"])

    @property
    def entry(self) -> Path:
        """The file that a user loads; the others lie beside it."""
        return self.folder / str(self.description["entry"])

    @property
    def paths(self) -> list[str]:
        """Of all files, within the folder."""
        return [str(file["path"]) for file in self.description["files"]]

    @property
    def signature(self) -> Signature:
        return Signature.of_json(self.description)
