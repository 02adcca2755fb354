"""A model of each kind of trouble becomes what it is, everywhere; nightly, all do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.conformance.convert import convert
from tests.conformance.models import applications, cases
from tests.conformance.models.layers import NO_MODELS
from tests.conformance.results import Results
from tests.conformance.run import Effort, run

pytestmark = pytest.mark.browser

Cells = dict[str, dict[str, str]]

FORMATS = ("tfjs-graph", "onnx")
#: WebGL and WebGPU are slow without a GPU, and found no fault that others had not found; nor did
#: ONNX Runtime in a page, which takes seconds to start for each model.
QUICK = Effort(FORMATS, ("onnxruntime-cpu", "tfjs-wasm"), peers=False)
EVERY = Effort(FORMATS, (*QUICK.backends, "ort-wasm", "tfjs-webgpu", "tfjs-webgl"), peers=False)

#: A mask and a loop, one-hot floats, volumes with a bias and strides, a resampling matrix, names of
#: outputs, attention with a mask; nightly, all that there is.
TROUBLED = (
    *("layers/Bidirectional masked", "layers/CategoryEncoding one hot"),
    *("layers/Conv3DTranspose same, strides 2", "layers/Resizing lanczos3"),
    *("layers/MaxPooling3D", "layers/Activation glu"),
    *("composed/dictionary outputs", "composed/transformer encoder"),
)
#: In so many parts all are tried, so that none takes too long.
PARTS = 10
#: Layers of strings and tables, and code: refused in every format, each with its way out.
REFUSED = (
    *("layers/Hashing", "layers/HashedCrossing", "layers/Lambda"),
    *("layers/StringLookup", "layers/TextVectorization"),
)


def states(ids: tuple[str, ...], effort: Effort, folder: Path) -> dict[str, Cells]:
    """What became of each model, by its id."""
    known = Results(folder / "results.json")
    list(run([case for case in cases() if case.id in ids], effort, known, folder / "work"))
    return known.cells


def test_what_gave_trouble_is_right_in_both_runtimes(tmp_path: Path) -> None:
    found = states(TROUBLED, QUICK, tmp_path)
    assert found.keys() == set(TROUBLED)
    odd = {name: cells for name, cells in found.items() if _odd(cells)}
    assert odd == {}


def _odd(cells: Cells) -> Cells:
    return {name: cell for name, cell in cells.items() if cell["state"] != "ok"}


def test_what_is_made_of_architectures_besides_float32_is_made_as_a_build_does(
    tmp_path: Path,
) -> None:
    small = next(case for case in cases() if case.id == "layers/Conv2D")
    made = convert(replace(small, techniques=applications.TECHNIQUES), tmp_path, FORMATS, False)
    assert made.outcomes == {}
    assert {"onnx/uint8", "onnx/int8", "tfjs-graph/uint8"} <= made.artifacts.keys()


def test_every_layer_and_architecture_of_keras_is_listed() -> None:
    import keras

    covered = {case.covers for case in cases()}
    for module in (keras.layers, keras.applications):
        public = {name: getattr(module, name) for name in dir(module) if name[0].isupper()}
        shown = {id(public[name]) for name in covered & public.keys()}
        missing = {
            name for name, made in public.items() if callable(made) and id(made) not in shown
        }
        assert missing - set(NO_MODELS) == set(), "give it a model, or say why it has none"


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_wrong_and_nothing_crashes(tmp_path: Path, part: int) -> None:
    ids = [case.id for case in cases() if case.covers not in applications.HUGE][part::PARTS]
    found = states(tuple(ids), EVERY, tmp_path)
    odd = {name: _odd(cells) for name, cells in found.items()}
    refused = {
        name
        for name, cells in odd.items()
        if cells and all(cell["state"] == "refused" for cell in cells.values())
    }
    assert {name: cells for name, cells in odd.items() if cells and name not in refused} == {}
    assert refused <= set(REFUSED)
