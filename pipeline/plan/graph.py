"""The graph of steps that a config is planned into."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.base.errors import PipelineError
from pipeline.config.config import Config
from pipeline.engine.graph import Graph
from pipeline.validate.verdict import NotMade

#: The node that holds the source's own graph, as it came.
OWN = "read"

#: Metric -> bound.
Bounds = Mapping[str, float]


@dataclass(frozen=True)
class PlannedArtifact:
    """One variant in one format."""

    id: str
    format: str
    variant: str
    node: str
    proofs: Mapping[str, str]
    """Target -> the node that runs the artifact on it."""
    bounds: Mapping[str, Bounds]
    """Target -> what the artifact is held to there."""
    ranges: str
    """The node that measures the ranges of its graph."""
    half: str | None
    """The node that runs it in float16, where something can."""
    graph: str | None = None
    """The node that compares the graph that it was made of with the source as it came, where
    another runtime than TensorFlow makes the golden."""
    portable: str | None = None
    """The node that checks its integer products, where it may have some."""
    unportable: bool = False
    """Whether it is published though they do not."""


@dataclass(frozen=True)
class LeftOut:
    """An artifact that is not made."""

    id: str
    reason: str


@dataclass(frozen=True)
class Searches:
    """What became of the searches that a config asks for: what is planned has none."""

    outcomes: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    """Variant -> the outcome that its techniques are of, as JSON."""
    unknown: Mapping[str, str] = field(default_factory=dict)
    """Variants whose techniques are to be found yet, and what would be searched."""


@dataclass(kw_only=True)
class Plan(Graph):
    """All steps of a config, and what they make."""

    config: Config
    browsers: bool = True
    described: str = "freeze"
    """The node that knows the model's signature."""
    artifacts: list[PlannedArtifact] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    failed: dict[str, NotMade] = field(default_factory=dict)
    """Artifacts that no step is planned for, since one is known to fail."""
    notes: list[str] = field(default_factory=list)
    """What the config's author may not expect, and what to do about it."""
    searches: Searches = field(default_factory=Searches)
    detector: Plan | None = None
    """Of what finds where the model looks; its nodes are nodes of this plan."""

    def evidence(self) -> dict[str, str]:
        """What the manifest is made of -> the node that makes it."""
        return dict(self.nodes["manifest"].inputs)

    def lost(self, failures: Mapping[str, PipelineError]) -> dict[str, NotMade]:
        """The artifacts that cannot be made or proved where these nodes failed."""
        lost = dict(self.failed)
        for artifact in self.artifacts:
            step = next((node for node in failures if node in self._own(artifact)), None)
            if step is not None:
                lost[artifact.id] = NotMade.at(artifact.id, step, failures[step])
        return lost

    def is_hopeless(self, failed: Collection[str]) -> bool:
        """Whether nothing comes of the plan: each artifact is lost, or what all of them need."""
        if not failed:
            return False
        every = all(self._own(artifact) & {*failed} for artifact in self.artifacts)
        return every or bool(self._shared() & {*failed})

    def _own(self, artifact: PlannedArtifact) -> set[str]:
        """The nodes without which there is no such artifact.

        Not what its proofs need besides: without float32's artifact it is proved, but not timed
        with it.
        """
        named = self.evidence().items()
        proving = {node for name, node in named if artifact.id in name.split()}
        return proving | set(self.ancestors(artifact.node))

    def _shared(self) -> set[str]:
        """The nodes without which there is no manifest, whatever artifacts it lists."""
        ids = {artifact.id for artifact in self.artifacts}
        named = self.evidence().items()
        first = {node for name, node in named if not ids & {*name.split()}}
        # What artifacts are packaged after is their own; what proofs run after, all of them do.
        packages = {artifact.node for artifact in self.artifacts}
        others = set(self.evidence().values()) - packages
        first |= {need for name in others for need in self.nodes[name].after}
        return {"manifest", *first, *(need for node in first for need in self.ancestors(node))}

    def ancestors(self, node: str) -> Iterator[str]:
        """All that has to be there before a node runs, some of it more than once."""
        for need in self.nodes[node].needs():
            yield need
            yield from self.ancestors(need)
