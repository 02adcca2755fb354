"""What every task keeps, and what is said of a task that cannot do what is asked of it."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

import pipeline
from pipeline.base.errors import ConfigError
from pipeline.measures.metrics import all_metrics
from pipeline.tasks.find import Purpose, default_task, need, tasks


def test_tasks_are_found_by_name() -> None:
    assert {"image-classification", "tensors"} <= set(tasks())
    assert default_task() == "tensors"
    assert sum(task.is_default for task in tasks().values()) == 1


@pytest.mark.parametrize("name", sorted(tasks()))
def test_what_a_task_measures_is_declared(name: str) -> None:
    """What compares answers, or scores them, needs metrics that gates and reports know."""
    task = tasks()[name]
    kinds = {metric.of for metric in task.metrics}
    assert ("answers" in kinds) == (task.agree is not None)
    assert ("truth" in kinds) == (task.score is not None)
    assert task.score is None or task.truth is not None
    assert {metric.name for metric in task.metrics} <= set(all_metrics())
    # Some need to be told which outputs hold what.
    with suppress(ValidationError):
        assert bool(task.options().model_dump(mode="json")) == bool(task.options.model_fields)


def test_a_purpose_is_a_name_or_a_name_with_options() -> None:
    assert Purpose.model_validate("image-classification") == Purpose(name="image-classification")
    assert Purpose().name == "tensors"
    about = Purpose(name="image-classification").about(softmax={"y": True})
    assert about.softmax == {"y": True} and about.origins is None


def test_what_a_task_cannot_do_is_said_with_the_tasks_that_can() -> None:
    assert need(lambda task: task.scores, "image-classification", "classes", "here")({
        "y": np.zeros((2, 3), np.float32)
    }).shape == (2, 3)  # fmt: skip
    with pytest.raises(ConfigError, match="the task tensors has no classes") as caught:
        need(lambda task: task.scores, "tensors", "classes", "here")
    assert "image-classification" in caught.value.todo


#: Made of the tasks, or of documents.
GENERATED = (".schema.json", "manifest.d.ts", ".md", ".lock", ".pyc")


def test_what_a_task_is_called_and_measures_is_said_in_its_folder_alone() -> None:
    """In Python, JavaScript, style sheets and templates."""
    package = Path(pipeline.__file__).parent
    folders = {task.name: task.name.replace("-", "_") for task in tasks().values() if task.score}
    words = {*folders, *folders.values(), *(m.name for t in tasks().values() for m in t.metrics)}
    assert {"image-classification", "top1_agreement"} <= words
    named = re.compile("|".join(map(re.escape, words)))
    elsewhere = [
        str(path.relative_to(package))
        for path in package.rglob("*")
        if path.is_file() and not {"node_modules", "tasks", "bundled"} & {*path.parts}
        if not path.name.endswith(GENERATED) and named.search(path.read_text(errors="ignore"))
    ]
    assert elsewhere == []
