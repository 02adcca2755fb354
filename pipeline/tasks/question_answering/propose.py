"""Which models likely answer questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.tasks.question_answering.options import QuestionAnsweringOptions
from pipeline.tensors.signature import TensorSpec


def propose(outputs: Sequence[TensorSpec]) -> Mapping[str, Any] | None:
    """Two outputs that have the usual names."""
    usual = QuestionAnsweringOptions()
    return {} if {spec.name for spec in outputs} == {usual.start, usual.end} else None
