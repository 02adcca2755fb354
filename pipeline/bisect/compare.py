"""Runs parts of an artifact on a target, and compares what they make with the source's tensors."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.artifacts.artifact import ArtifactFolder
from pipeline.backends.session import Unavailable
from pipeline.backends.targets import Target
from pipeline.base.errors import PipelineError
from pipeline.bisect.differences import LargestDifference, Layout, from_source, layouts, to_source
from pipeline.bisect.graph import (
    ArtifactGraph,
    Cut,
    FedTensor,
    GraphFormat,
    NodeRegion,
    descendants,
)
from pipeline.bisect.source import Trace
from pipeline.tensors.arrays import Array

if TYPE_CHECKING:
    from pipeline.backends.session import Session


@dataclass(frozen=True)
class SeenTensor:
    """What the artifact made of a tensor while it ran as it is."""

    source: str
    """The source's tensor that it should equal."""
    layout: Layout
    shape: tuple[int, ...]
    dtype: str
    error: float


@dataclass(frozen=True)
class Misfit:
    """A tensor that cannot be compared, which is as wrong as can be."""

    source: str
    reason: str
    """What its node did instead, as the end of a sentence that begins with the node."""
    runs: bool
    """Whether it has a value at all; what reads it has none otherwise."""


@dataclass
class Comparison:
    """One artifact on one target beside one trace of its source."""

    artifact: Path
    format: GraphFormat
    """The module that cuts it."""
    graph: ArtifactGraph
    target: Target
    trace: Trace
    work: Path
    runtime: Path | None = None
    """The folder of the bundle that opens it in a browser."""
    hardware: dict[str, Any] = field(default_factory=dict)
    """What ran; known as soon as a part of the artifact was opened."""

    def as_it_runs(
        self, origins: Mapping[str, str]
    ) -> tuple[dict[str, SeenTensor], dict[str, Misfit]]:
        """Compare every tensor, computed as the artifact computes it.

        Args:
            origins: tensor -> the source's tensor, in the graph's order.
        """
        seen: dict[str, SeenTensor] = {}
        misfits: dict[str, Misfit] = {}
        for tensors in self._chunks(origins):
            self._compare(tensors, origins, seen, misfits)
        return seen, misfits

    def outputs_alone(self, origins: Mapping[str, str]) -> dict[str, float]:
        """Public output -> its error where no other tensor is read, as a user runs the artifact.

        Reading what lies between two nodes keeps a runtime from fusing them. Nothing where that
        does not run.
        """
        tensors = [tensor for tensor in self.graph.outputs if tensor in origins]
        try:
            compared = self._compare_all(tensors, origins)
        except Unavailable:
            raise
        except Exception:  # which node does not run is for ``as_it_runs`` to say
            return {}
        names = self.graph.outputs
        return {
            names[key]: result.error
            for key, result in compared.items()
            if isinstance(result, SeenTensor)
        }

    def _compare(
        self,
        tensors: Sequence[str],
        origins: Mapping[str, str],
        seen: dict[str, SeenTensor],
        misfits: dict[str, Misfit],
    ) -> None:
        """Compare together, or in halves where that does not run."""
        dead = descendants(
            self.graph, {name for name, misfit in misfits.items() if not misfit.runs}
        )
        alive = [name for name in tensors if name not in dead]
        try:
            compared = self._compare_all(alive, origins) if alive else {}
        except Unavailable:
            raise
        except Exception as error:  # whatever a runtime throws is what is looked for
            if len(alive) > 1:
                middle = len(alive) // 2
                self._compare(alive[:middle], origins, seen, misfits)
                self._compare(alive[middle:], origins, seen, misfits)
                return
            said = error.what if isinstance(error, PipelineError) else str(error)
            reason = f"does not run: {said.strip().splitlines()[0]}"
            compared = {alive[0]: Misfit(origins[alive[0]], reason, runs=False)}
        for name, result in compared.items():
            if isinstance(result, SeenTensor):
                seen[name] = result
            else:
                misfits[name] = result

    def _compare_all(
        self, tensors: Sequence[str], origins: Mapping[str, str]
    ) -> dict[str, SeenTensor | Misfit]:
        tried: dict[str, dict[Layout, LargestDifference]] = {name: {} for name in tensors}
        results: dict[str, SeenTensor | Misfit] = {}
        for sample, values in self._run(Cut(tuple(tensors), {}), lambda _: {}):
            for name in tensors:
                expected = self.trace.tensor(origins[name], sample)
                _try(tried[name], values[name], expected)
                results[name] = _choose_layout(origins[name], tried[name], values[name], expected)
        return results

    def node_by_node(
        self, regions: Sequence[NodeRegion], seen: Mapping[str, SeenTensor]
    ) -> dict[str, float]:
        """Tensor -> its error where its node reads the source's own tensors."""
        errors: dict[str, float] = {}
        by_tensor = {region.tensor: region for region in regions}
        for tensors in self._chunks({name: seen[name].source for name in by_tensor}):
            differences = {name: LargestDifference() for name in tensors}
            cut = cut_of([by_tensor[name] for name in tensors], seen)
            for sample, values in self._run(cut, partial(self.fed_tensors, cut, seen)):
                for name in tensors:
                    expected = self.trace.tensor(seen[name].source, sample)
                    ours = to_source(values[cut.returned(name)], seen[name].layout, expected.shape)
                    differences[name].add(ours, expected)
            errors |= {name: difference.share for name, difference in differences.items()}
        return errors

    def fed_tensors(
        self, cut: Cut, seen: Mapping[str, SeenTensor], sample: int
    ) -> dict[str, Array]:
        """The source's tensors that a cut takes, laid out as the artifact has them."""
        result = {}
        for name, tensor in cut.given.items():
            values = self.trace.tensor(seen[name].source, sample)
            laid_out = from_source(values, seen[name].layout, seen[name].shape)
            result[name] = laid_out.astype(tensor.dtype, copy=False)
        return result

    def _chunks(self, origins: Mapping[str, str]) -> Iterator[list[str]]:
        for chunk in self.trace.chunks:
            held = set(chunk)
            if tensors := [name for name, origin in origins.items() if origin in held]:
                yield tensors

    def _run(
        self, cut: Cut, feeds_of: Callable[[int], Mapping[str, Array]]
    ) -> Iterator[tuple[int, dict[str, Array]]]:
        """Outputs of a cut for each sample."""
        with self.opened(cut) as (session, names):
            for sample in range(self.trace.samples):
                feeds = self.trace.feeds(sample)
                used = {name: feeds[name] for name in feeds.keys() & names}
                yield sample, call(session, {**used, **feeds_of(sample)})

    @contextmanager
    def opened(self, cut: Cut) -> Iterator[tuple[Session, set[str]]]:
        """A session of a part of the artifact, and the names of the inputs that it takes."""
        with tempfile.TemporaryDirectory(dir=self.work) as temporary:
            folder = Path(temporary)
            self.format.cut(self.artifact, cut, folder)
            names = {spec.name for spec in ArtifactFolder(folder).signature.inputs}
            with self.target.open(folder, runtime=self.runtime) as session:
                self.hardware = asdict(session.hardware)
                yield session, names


def cut_of(regions: Iterable[NodeRegion], seen: Mapping[str, SeenTensor]) -> Cut:
    """The cut that makes the regions' tensors of known ones; inputs of the graph stay inputs."""
    tried_regions = list(regions)
    fed = {
        name: FedTensor(seen[name].dtype, seen[name].shape)
        for region in tried_regions
        for name in region.inputs
        if name in seen
    }
    return Cut(tuple(region.tensor for region in tried_regions), fed)


def call(session: Session, feeds: Mapping[str, Array]) -> dict[str, Array]:
    """One call with whole arrays: a session takes samples, and a call is one of them here."""
    outputs = session.infer({name: values[None] for name, values in feeds.items()})
    return {name: values[0, ...] for name, values in outputs.items()}


def _try(tried: dict[Layout, LargestDifference], values: Array, expected: Array) -> None:
    """Compare in every layout that fits."""
    for layout in layouts(values.shape, expected.shape):
        difference = tried.setdefault(layout, LargestDifference())
        difference.add(to_source(values, layout, expected.shape), expected)


def _choose_layout(
    source: str, tried: Mapping[Layout, LargestDifference], values: Array, expected: Array
) -> SeenTensor | Misfit:
    """In the layout in which it differs least."""
    if not tried:
        shapes = f"{list(values.shape)} where the source has {list(expected.shape)}"
        return Misfit(source, f"gives a tensor of shape {shapes}", runs=True)
    layout, difference = min(tried.items(), key=lambda trial: trial[1].share)
    return SeenTensor(source, layout, values.shape, values.dtype.name, difference.share)
