"""A FROZEN folder: one TensorFlow graph with constants for variables, and its signature.

OWN is the same of a model as it came: an ONNX graph in the place of TensorFlow's.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pipeline.artifacts.large import LargeTensors, fill, keys_of, spill
from pipeline.tensors.signature import Signature


@dataclass(frozen=True)
class Frozen:
    """The graph's inputs and outputs are called as in the signature."""

    folder: Path

    GRAPH: ClassVar = "frozen.pb"
    FACTS: ClassVar = "facts.json"

    @property
    def signature(self) -> Signature:
        return Signature.read(self.folder)

    @property
    def parameters(self) -> int:
        """How many float weights the source has."""
        count: int = self._facts["parameters"]
        return count

    @property
    def large(self) -> LargeTensors:
        """The large constants' values."""
        return LargeTensors.of(self.folder)

    @property
    def dtypes(self) -> list[str]:
        """The float dtypes in which the source computes, and this graph in float32."""
        return list(self._facts.get("dtypes", ()))

    @property
    def renamed_layers(self) -> dict[str, str]:
        """Layer's name in the source -> its name here, where it has another."""
        return dict(self._facts.get("renamed_layers", {}))

    @property
    def _facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads((self.folder / self.FACTS).read_text())
        return facts

    def outline(self) -> Any:
        """The graph, read anew, without the values of large constants."""
        from tensorflow.core.framework import graph_pb2

        return graph_pb2.GraphDef.FromString((self.folder / self.GRAPH).read_bytes())

    def graph_def(self) -> Any:
        """The graph, read anew, with all values.

        Raises:
            PipelineError: they are more than protobuf holds.
        """
        graph_def = self.outline()
        fill(graph_def, self.large)
        return graph_def

    def write(
        self,
        graph_def: Any,
        signature: Signature,
        parameters: int,
        changes: Mapping[str, Any] | None = None,
    ) -> None:
        """Write all of it, always the same bytes of the same graph; large constants to files.

        Args:
            changes: ``dtypes`` and ``renamed_layers``, where there are any.
        """
        self._write_graph(graph_def)
        signature.write(self.folder)
        self.write_facts(parameters, changes)

    def write_facts(self, parameters: int, changes: Mapping[str, Any] | None = None) -> None:
        """Write what is known of the model besides its graph and its signature."""
        facts = {key: value for key, value in (changes or {}).items() if value}
        (self.folder / self.FACTS).write_text(json.dumps({"parameters": parameters, **facts}))

    def write_changed(self, graph_def: Any, before: Frozen) -> None:
        """Write a changed graph, and all else as before."""
        for file in sorted(before.folder.iterdir()):
            if file.name != self.GRAPH and file.is_file():
                shutil.copyfile(file, self.folder / file.name)
        self.large.take(keys_of(graph_def).values(), before.large)
        self._write_graph(graph_def)

    def _write_graph(self, graph_def: Any) -> None:
        spill(graph_def, self.large)
        content = graph_def.SerializeToString(deterministic=True)
        (self.folder / self.GRAPH).write_bytes(content)
