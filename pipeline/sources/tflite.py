"""A TFLite file: its graph, with numbers in float32 that it may store in fewer bits."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pipeline.artifacts.source_folder import SourceFolder
from pipeline.base.errors import SourceError
from pipeline.base.options import InputPath, StrictOptions
from pipeline.engine.step import step
from pipeline.sources.contract import LoadedModel, Reference, Source
from pipeline.tensors.arrays import Array
from pipeline.tensors.signature import Signature

if TYPE_CHECKING:
    from pipeline.graphs.tflite.interpreter import Interpreter
    from pipeline.graphs.tflite.model import Model
    from pipeline.graphs.tflite.write import Graph

#: A flatbuffer holds no more.
MAX_BYTES = 2**31

_FILE = "model.tflite"


class Options(StrictOptions):
    """A TFLite (LiteRT) file."""

    shorthand: ClassVar[str | None] = "path"

    path: InputPath
    """The .tflite file."""
    signature: str | None = None
    """Which of its signatures to convert, where it has several."""


@step(version=1)
def pull(path: Path, options: Options, work: Path) -> None:
    """Check the file's size and make it a source folder."""
    if not path.is_file() or path.stat().st_size >= MAX_BYTES:
        raise SourceError(
            "this is no TFLite file: a file of less than 2 GiB",
            where=str(path),
            todo="name the .tflite file; a .task file is a zip of several",
        )
    write_source(path, work, options.signature)


def recognizes(path: Path) -> bool:
    """Whether a file is a flatbuffer of TFLite."""
    with path.open("rb") as file:
        return file.read(8)[4:] == b"TFL3"


def write_source(path: Path, work: Path, signature: str | None = None) -> None:
    """Write the source folder of a file that may be unsafe."""
    shutil.copyfile(path, work / _FILE)
    # A file that was downloaded is called by its digest.
    name = path.name if path.suffix == ".tflite" else _FILE
    SourceFolder(work).describe("tflite", name=name, signature=signature)


def load(folder: Path, details: Mapping[str, Any]) -> LoadedModel:
    """Load what ``pull`` wrote, after a look at every size in it.

    What is behind a cut need not be covered.
    """
    from pipeline.graphs.tflite.interpreter import Interpreter
    from pipeline.graphs.tflite.read import read
    from pipeline.graphs.tflite.write import write
    from pipeline.sources.tensorflow.graph_model import graph_model

    path, where = folder / _FILE, details["name"]
    model = read(path.read_bytes(), where, details["signature"])
    outputs = _index_tensors(model, details.get("cut", {}).get("outputs")) or model.outputs
    graph = write(model, outputs, where)
    loaded = graph_model(graph.graph_def, graph.inputs, graph.outputs)
    if _runs_as_it_is(model, graph):
        interpreter = Interpreter(path, model, outputs)
        return replace(loaded, reference=_reference(interpreter, loaded.signature))
    return loaded


def _index_tensors(model: Model, outputs: Any) -> dict[str, int]:
    """The tensors that a cut asks for, by the names it does so; none, where it asks for others."""
    from pipeline.graphs.tflite.write import find

    indices = {}
    for name in outputs.values() if isinstance(outputs, dict) else outputs or ():
        index = model.outputs.get(name, find(model, name))
        if index is None:
            return {}
        indices[name] = index
    return indices


def _runs_as_it_is(model: Model, graph: Graph) -> bool:
    """Does the interpreter compute what the graph does?

    It has no custom operators, and is asked for the tensors of a file's first subgraph only.
    """
    from pipeline.graphs.tflite.interpreter import is_exact

    custom = any(node.is_custom for node in model.operators)
    return not custom and not model.subgraph and is_exact(model, graph.nodes)


def _reference(interpreter: Interpreter, signature: Signature) -> Reference:
    """The interpreter, by the public names."""
    import tensorflow as tf

    theirs = {spec.name: spec.renamed_from or spec.name for spec in signature.inputs}
    ends = {spec.name: spec.renamed_from or spec.name for spec in signature.outputs}

    def run(arrays: Mapping[str, Array]) -> Mapping[str, Array]:
        results = interpreter.run({theirs[name]: array for name, array in arrays.items()})
        return {name: results[end] for name, end in ends.items()}

    return Reference(f"TFLite {tf.__version__}", run)


SOURCE = Source(
    name="tflite",
    options=Options,
    pull=pull,
    gives=lambda options: ("tensorflow",),
    recognizes=recognizes,
    write=write_source,
    load=load,
)
