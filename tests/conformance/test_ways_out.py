"""What a refusal advises is taken, and works: here for layers that are refused in every format.

Words are looked up in front of the model in ``tests/export/test_tables.py``.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from source_models import Made, make, source_of

from pipeline.base.errors import PipelineError, SourceError
from pipeline.base.options import NoOptions
from pipeline.export import freeze, operators
from pipeline.sources import cut
from tests.conformance.case import Case, samples
from tests.conformance.models import cases

FORMATS = operators.CheckOptions(formats=["tfjs-graph", "onnx"])


def case_of(name: str) -> Case:
    return next(case for case in cases((name,)) if case.id == f"layers/{name}")


def feeds(case: Case, model: Any, made: Made) -> dict[str, np.ndarray[Any, Any]]:
    names = (spec.name for spec in made.signature.inputs)
    return dict(zip(names, samples(case, model), strict=True))


def test_a_saved_model_in_place_of_the_keras_file(tmp_path: Path) -> None:
    case = case_of("Lambda")
    model = case.build()
    model.save(tmp_path / "model.keras")
    with pytest.raises(SourceError) as refused:
        made = make(tmp_path / "model.keras", tmp_path / "refused")
    assert "use source saved_model" in str(refused.value)
    model.export(tmp_path / "saved", verbose=False)
    made = make(tmp_path / "saved", tmp_path / "made")
    given = feeds(case, model, made)
    wanted = made.source(given)
    for output, values in made.onnx(given).items():
        np.testing.assert_allclose(values, wanted[output], atol=1e-5)


def test_a_cut_in_front_of_what_no_format_has(tmp_path: Path) -> None:
    model = case_of("HashedCrossing").build()
    model.save(tmp_path / "model.keras")
    source = source_of(tmp_path / "model.keras", tmp_path / "source")
    with pytest.raises(PipelineError) as refused:
        check(source, tmp_path / "whole")
    named = re.search(r"source.outputs: (\[.*?\])", str(refused.value))
    assert named
    front = tmp_path / "front"
    front.mkdir()
    cut.cut({"source": source}, cut.CutOptions(outputs=json.loads(named[1]), fixed={}), front)
    check(front, tmp_path / "part")


def check(source: Path, folder: Path) -> None:
    folder.mkdir()
    freeze.freeze({"source": source}, NoOptions(), folder)
    operators.check({"frozen": folder}, FORMATS, folder)
