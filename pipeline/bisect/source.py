"""Records the source's own tensors: the frozen graph, run in TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from pipeline.artifacts.frozen import Frozen
from pipeline.artifacts.samples_folder import Golden
from pipeline.base.options import StrictOptions
from pipeline.engine.step import progress, step
from pipeline.graphs.tensorflow.canonical_graph import LOWERED
from pipeline.tensors.arrays import Array, np
from pipeline.tensors.signature import Signature

INDEX, FEEDS = "index.json", "feeds.safetensors"

#: Tensors of one file, over all samples: what is in memory at once, here and where they are
#: compared. A larger tensor has a file of its own.
CHUNK_BYTES = 64 * 2**20


class TraceOptions(StrictOptions):
    """What to record."""

    tensors: list[str]
    """Of the frozen graph, as ``node:port``."""
    samples: list[int]
    """Which of the golden's samples, from 0; those that there are."""


@step(version=1, lane="tensorflow", tools=("tensorflow",))
def trace(frozen: Frozen, golden: Golden, options: TraceOptions, work: Path) -> None:
    """FROZEN and GOLDEN -> TRACE: tensors on samples, one call a sample, in bounded files.

    Left out is what is no number, and what lies behind a TensorFlow 1 loop or branch.
    """
    with _Session(frozen.folder) as session:
        record(session, frozen.signature, golden, options, work)


class Recorder(Protocol):
    """A graph that runs, up to tensors inside it."""

    def sizes(self, names: Iterable[str], feeds: Mapping[str, Array]) -> dict[str, int]:
        """Bytes of each tensor that can be recorded, in the order in which they are computed."""
        ...

    def run(self, fetches: Sequence[str], feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Values by name."""
        ...


def record(
    session: Recorder, signature: Signature, golden: Golden, options: TraceOptions, work: Path
) -> None:
    """Write a TRACE folder."""
    from safetensors.numpy import save_file

    samples = golden.inputs()
    count = len(next(iter(samples.values())))
    indices = [index for index in options.samples if index < count]
    feeds = [sample_feeds(signature, samples, index) for index in indices]
    save_file(_keyed(feeds), work / FEEDS)
    sizes = session.sizes(options.tensors, feeds[0])
    chunks = list(split_in_chunks(sizes, CHUNK_BYTES // len(indices)))
    for index, chunk in enumerate(chunks):
        progress(index / len(chunks), "running the source")
        values = [session.run(chunk, feed) for feed in feeds]
        save_file(_keyed(values), work / f"{index}.safetensors")
    index_json = {"samples": indices, "inputs": list(feeds[0]), "chunks": chunks}
    (work / INDEX).write_text(json.dumps(index_json, indent=1))


@dataclass(frozen=True)
class Trace:
    """A TRACE folder."""

    folder: Path

    @cached_property
    def _index(self) -> dict[str, Any]:
        index: dict[str, Any] = json.loads((self.folder / INDEX).read_text())
        return index

    @property
    def samples(self) -> int:
        """How many there are."""
        return len(self.chosen)

    @property
    def chosen(self) -> list[int]:
        """Which of the golden's samples they are."""
        chosen: list[int] = self._index["samples"]
        return chosen

    @property
    def chunks(self) -> list[list[str]]:
        """Tensors that may be in memory together."""
        chunks: list[list[str]] = self._index["chunks"]
        return chunks

    @cached_property
    def files(self) -> dict[str, Path]:
        """Tensor -> the file that it is in."""
        return {
            tensor: self.folder / f"{index}.safetensors"
            for index, chunk in enumerate(self.chunks)
            for tensor in chunk
        }

    def feeds(self, sample: int) -> dict[str, Array]:
        """A sample as one call takes it, by public input name."""
        names = self._index["inputs"]
        return {name: _read(self.folder / FEEDS, sample, name) for name in names}

    def tensor(self, name: str, sample: int) -> Array:
        """The source's tensor on a sample."""
        return _read(self.files[name], sample, name)


def sample_feeds(
    signature: Signature, samples: Mapping[str, Array], index: int
) -> dict[str, Array]:
    """One sample as one call takes it: a batch of one, or of the model's own size."""
    feeds = {}
    for spec in signature.inputs:
        values = samples[spec.name]
        sample = values[index : index + 1]
        if values.ndim == len(spec.shape) + 1:
            feeds[spec.name] = values[index, ...]
        else:
            feeds[spec.name] = np.repeat(sample, spec.shape[0] or 1, axis=0)
    return feeds


def split_in_chunks(sizes: Mapping[str, int], most: int) -> Iterator[list[str]]:
    """Names in their order, in groups of at most ``most`` bytes, or of one name."""
    chunk: list[str] = []
    total = 0
    for name, size in sizes.items():
        if chunk and total + size > most:
            yield chunk
            chunk, total = [], 0
        chunk.append(name)
        total += size
    if chunk:
        yield chunk


class _Session:
    """A frozen graph that runs in TensorFlow."""

    def __init__(self, folder: Path) -> None:
        import tensorflow as tf

        definition = Frozen(folder).graph_def()
        self._graph = tf.Graph()
        with self._graph.as_default():
            tf.graph_util.import_graph_def(definition, name="")
        self._session = tf.compat.v1.Session(graph=self._graph)

    def sizes(self, names: Iterable[str], feeds: Mapping[str, Array]) -> dict[str, int]:
        """Bytes of each tensor that can be recorded."""
        import tensorflow as tf

        hidden = self._behind_control_flow()
        order = {op.name: index for index, op in enumerate(self._graph.get_operations())}
        in_order = sorted(names, key=lambda name: order[name.rsplit(":", 1)[0]])
        tensors = {name: self._graph.get_tensor_by_name(name) for name in in_order}
        tensors = {
            name: tensor
            for name, tensor in tensors.items()
            if tensor.op.name not in hidden and tensor.dtype in _NUMBERS(tf)
        }
        with self._graph.as_default():
            counts = {name: tf.size(tensor) for name, tensor in tensors.items()}
        counted = self.run(counts, feeds)
        return {name: int(counted[name]) * tensor.dtype.size for name, tensor in tensors.items()}

    def run(self, fetches: Any, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Values by name; ``fetches`` are names, or names with tensors."""
        names = fetches if isinstance(fetches, dict) else {name: name for name in fetches}
        result: dict[str, Array] = self._session.run(
            names, {f"{name}:0": value for name, value in feeds.items()}
        )
        return result

    def _behind_control_flow(self) -> set[str]:
        hidden: set[str] = set()
        # In topological order but for a loop's own edges, which close behind its first node.
        for operation in self._graph.get_operations():
            sources = {tensor.op.name for tensor in operation.inputs}
            if operation.type in LOWERED or sources & hidden:
                hidden.add(operation.name)
        return hidden

    def __enter__(self) -> _Session:
        return self

    def __exit__(self, *error: object) -> None:
        self._session.close()


def _NUMBERS(tf: Any) -> tuple[Any, ...]:  # noqa: N802 - a constant that needs TensorFlow
    floats = (tf.float32, tf.float16, tf.float64)
    return (*floats, tf.int32, tf.int64, tf.uint8, tf.int8, tf.bool)


def _keyed(samples: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    return contiguous(
        {
            f"{index}/{name}": value
            for index, values in enumerate(samples)
            for name, value in values.items()
        }
    )


def contiguous(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays as safetensors takes them."""
    # ascontiguousarray alone gives a scalar an axis.
    return {
        name: np.ascontiguousarray(value).reshape(np.shape(value)) for name, value in arrays.items()
    }


def _read(path: Path, sample: int, name: str) -> Array:
    from safetensors import safe_open

    with safe_open(path, "np") as file:
        value: Array = file.get_tensor(f"{sample}/{name}")
        return value
