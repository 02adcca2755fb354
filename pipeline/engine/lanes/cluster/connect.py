"""Finds the scheduler that a build is to run on, and its workers."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.base.errors import MissingToolError
from pipeline.engine.lanes.cluster.lanes import ClusterLanes
from pipeline.engine.lanes.cluster.members import Members

if TYPE_CHECKING:
    from pipeline.engine.store import Store

_ANSWERS_WITHIN_S = 10


@contextmanager
def connect(scheduler: str, store: Store) -> Iterator[tuple[ClusterLanes, Members]]:
    """The lanes of a scheduler's workers, and who they are.

    Raises:
        MissingToolError: no scheduler answers.
        ConfigError: none of its workers fits.
    """
    import distributed

    # What differs is looked at in our own way: it ends the build, or keeps a worker out of it.
    warnings.filterwarnings("ignore", category=distributed.versions.VersionMismatchWarning)
    try:
        client = distributed.Client(scheduler, timeout=_ANSWERS_WITHIN_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise MissingToolError(
            f"no scheduler answers: {str(error).splitlines()[0]}",
            where=scheduler,
            todo="start one with `pipeline scheduler`, or build with --on local",
        ) from error
    members = Members(scheduler, store.identity())
    members.look(client)
    with ClusterLanes(client, members) as lanes:
        members.require()
        yield lanes, members
