"""Recipes on one line are YAML that reads back as what was meant."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from pipeline.search.text import flow


@pytest.mark.parametrize(
    "recipe",
    [
        {},
        {"quantize": "uint8"},
        {"prune": {"sparsity": 0.75, "finetune_epochs": 8}, "quantize": {"to": "int8"}},
        {"skip": ["conv_1", "a: b", "- x", "no", "On", "1", "", "é", 'say "so"']},
        {"rate": 1e-05, "large": 1e22, "none": None, "flag": True, "count": 3, "x": -0.5},
        {"name": "two words", "pattern": "2:4"},
    ],
)
def test_it_reads_back(recipe: dict[str, Any]) -> None:
    assert yaml.safe_load(flow(recipe)) == recipe
    assert "\n" not in flow(recipe)
