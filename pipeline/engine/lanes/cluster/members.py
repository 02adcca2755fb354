"""The workers of a scheduler: which of them may run steps of a build, and what they have."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.base.digest import digest
from pipeline.base.errors import ConfigError, PipelineError
from pipeline.base.faults import KEPT
from pipeline.engine.lanes.cluster.sameness import differences, installed
from pipeline.engine.lanes.cluster.worker import FACTS

if TYPE_CHECKING:
    import distributed

    from pipeline.engine.step import Lane


@dataclass(frozen=True)
class Member:
    """A worker, and what it says of its machine."""

    name: str
    resources: frozenset[str]
    facts: Mapping[str, Any]
    """``versions``, ``store``, and ``targets``: what can be proved there."""


def same(versions: Mapping[str, str], store: str) -> str:
    """The resource of all workers on which steps give the same, into the same store."""
    return f"same {digest('same', dict(versions), store)[:16]}"


def lane_resource(lane: Lane) -> str:
    """The resource of workers that have a lane."""
    return f"lane {lane}"


@dataclass
class Members:
    """Those of a scheduler's workers that are as this process is, and use its store."""

    scheduler: str
    store: str
    versions: Mapping[str, str] = field(default_factory=installed)
    accepted: list[Member] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    """Worker -> why no step goes there."""

    def look(self, client: distributed.Client) -> None:
        """Ask the scheduler who is there now."""
        # Not ``scheduler_info()``, which another thread of the client may just have emptied.
        identity = client.sync(client.scheduler.identity, n_workers=-1)
        workers = identity["workers"].values()
        members = list(map(_member, workers))
        reasons = {member.name: self._why_not(member) for member in members}
        self.refused = {name: why for name, why in reasons.items() if why}
        self.accepted = [member for member in members if member.name not in self.refused]

    def _why_not(self, member: Member) -> str:
        if not member.facts:
            return "it was not started with `pipeline worker`"
        if lock := differences(self.versions, member.facts["versions"]):
            return f"its packages differ: {lock}"
        return "" if member.facts["store"] == self.store else "it uses another store"

    def require(self) -> None:
        """Refuse to go on without a worker.

        Raises:
            ConfigError: there is none, or all were refused.
        """
        if self.accepted:
            return
        what = "; ".join(f"{name}: {why}" for name, why in sorted(self.refused.items()))
        raise ConfigError(
            f"no worker fits: {what}" if what else "no worker is there",
            where=self.scheduler,
            todo=f"start one: pipeline worker {self.scheduler} --store STORE, of the same version, "
            "with the store of this command",
        )

    def needs(self, lane: Lane, more: Iterable[str]) -> list[str]:
        """The resources that a step asks for: what nobody has is no reason not to try."""
        had = {resource for member in self.accepted for resource in member.resources} | self._had
        self._had = had
        wanted = {lane_resource(lane), *more}
        return [same(self.versions, self.store), *sorted(wanted & had)]

    _had: set[str] = field(default_factory=set)
    """What any of them ever had."""

    def can(self, needs: Collection[str]) -> bool:
        """Whether one of the workers that are there now has all of it."""
        return any(member.resources.issuperset(needs) for member in self.accepted)

    def explain_lack(self, label: str, needs: Collection[str]) -> PipelineError:
        """The error of a step that waited in vain."""
        lacking = ", ".join(need for need in needs if not need.startswith("same "))
        return PipelineError(
            f"no worker is left that has: {lacking}" if self.accepted else "no worker is left",
            where=label,
            todo=f"start one: pipeline worker {self.scheduler}, then run the same command: {KEPT}",
        )


def _member(worker: Mapping[str, Any]) -> Member:
    return Member(str(worker["name"]), frozenset(worker["resources"]), worker.get(FACTS, {}))
