"""Makes a config's file: looks at the model, and tries its images where there are some."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from pipeline.base.errors import ConfigError
from pipeline.base.files import write_aside
from pipeline.draft.config import Draft, draft, to_yaml
from pipeline.draft.look import first_config, look
from pipeline.fitting.ways import Way, config_of
from pipeline.tasks.find import tasks

if TYPE_CHECKING:
    from pipeline.build.progress import Progress
    from pipeline.draft.source import Named
    from pipeline.engine.store import Store


def write_config(
    named: Named, path: Path, samples: Mapping[str, Any] | None, store: Store, progress: Progress
) -> Draft:
    """Write a config that builds, or none.

    Raises:
        ConfigError: there is one already.
        PipelineError: the model cannot be had, or no format holds it.
    """
    if path.exists():
        raise ConfigError(f"there is {path} already", todo="name another file with --to")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        first = first_config(named.name, named.source)
        write_aside(path, yaml.safe_dump(first))
        made = draft(named, look(path, store, progress), samples)
        write_aside(path, to_yaml(made))
        if samples and (better := _fit(made, path, store, progress)):
            made = better
            write_aside(path, to_yaml(made))
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return made


def _fit(made: Draft, path: Path, store: Store, progress: Progress) -> Draft | None:
    """With the way of preparing images that is right most often, where labels tell."""
    from pipeline.config.file import load_config
    from pipeline.fitting.run import fit, image_options, plan_ways

    if tasks()[made.task].scores is None:
        return None
    config = load_config(path)
    image = image_options(config)
    plan = plan_ways(config, image)
    with progress.of(len(plan.nodes)):
        result = fit(plan, store, progress)
    best = result["tried"][0]
    way = Way(**best["way"])
    if not way.sayable:
        return None
    options = yaml.safe_load(f"{{{config_of(way, image)}}}")
    found = f"of the usual ways this is right most often, on {best['right']:.1%} of the samples"
    return replace(made, options=options, checks={**made.checks, "input": found})
