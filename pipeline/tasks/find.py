"""The task that a config names."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar, TypeVar

from pydantic import Field

from pipeline.base.errors import ConfigError
from pipeline.base.options import StrictOptions
from pipeline.base.registry import find_plugins
from pipeline.tasks.contract import About, Task

Able = TypeVar("Able")


@cache
def tasks() -> dict[str, Task[Any]]:
    """All of them, by name."""
    return find_plugins("tasks", "TASK", Task)


def default_task() -> str:
    """Of a config that names none."""
    return next(name for name, task in tasks().items() if task.is_default)


class Purpose(StrictOptions):
    """What a model is for, as steps are told: a task, the config's options of it, and labels."""

    shorthand: ClassVar[str | None] = "name"

    name: str = Field(default_factory=default_task)
    options: dict[str, Any] = Field(default={})
    labels: list[str] = Field(default=[])
    """Names of the classes, in the order of the outputs; empty where the config has none."""

    @property
    def task(self) -> Task[Any]:
        return tasks()[self.name]

    def about(self, **known: Any) -> About[Any]:
        """With the task's options and labels: what else is known, as ``About`` names it."""
        options = self.task.options.model_validate(self.options)
        return About(options, **{"labels": self.labels, **known})


def need(able: Callable[[Task[Any]], Able | None], task: str, what: str, where: str) -> Able:
    """What a task can do.

    Args:
        able: takes it from the task.
        task: its name.
        what: it is, in words: ``classes to tell right from wrong by``.
        where: it is asked for, for an error.

    Raises:
        ConfigError: the task cannot do it.
    """
    ability = able(tasks()[task])
    if ability is None:
        others = [name for name, task in tasks().items() if able(task) is not None]
        raise ConfigError(
            f"the task {task} has no {what}",
            where=where,
            todo=f"name the task that the model is for, if it is one of: {', '.join(others)}",
        )
    return ability
