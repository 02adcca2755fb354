"""The canary: what it costs, what it says, and what it would not let pass."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from pipeline.tensors.signature import Signature, TensorSpec
from pipeline.validate.canary import (
    COMPARED,
    INPUTS,
    RESULT,
    SENT_BYTES,
    compared_values,
    decode,
    distance,
    encode,
    make,
)
from pipeline.validate.canary_tolerance import FLOOR, MARGIN, canary_of

RANDOM = np.random.default_rng(0)


def spec(shape: tuple[int | None, ...], dtype: str = "float32") -> TensorSpec:
    return TensorSpec("x", dtype, shape)


@pytest.mark.parametrize("sides", [(64, 64, 3), (224, 224, 3), (16000,), (7, 5), (1,)])
def test_a_large_input_costs_a_byte_for_each_of_few_cells(sides: tuple[int, ...]) -> None:
    smooth = np.linspace(-1, 1, np.prod(sides)).reshape(sides).astype(np.float32)
    found = encode(smooth, spec((None, *sides)))
    assert found["shape"] == [1, *sides]
    assert len(found["data"]) <= SENT_BYTES * 4 / 3
    given = decode(found)
    assert (given.dtype, given.shape) == (np.float32, (1, *sides))
    blocks = [-(-size // cells) for size, cells in zip((1, *sides), found["grid"], strict=True)]
    step = np.abs(np.diff(smooth.ravel())).max(initial=0) * np.prod(sides[1:])
    assert np.abs(given[0] - smooth).max() <= step * max(blocks) + 2 / 255


def test_the_noisiest_image_takes_less_than_two_kilobytes_on_the_wire() -> None:
    import brotli

    noise = RANDOM.uniform(-1, 1, (24, 24, 3)).astype(np.float32).repeat(10, 0).repeat(10, 1)
    found = encode(noise, spec((None, 240, 240, 3)))
    assert found["grid"] == [1, 24, 24, 3]
    assert 1500 < len(brotli.compress(json.dumps(found).encode())) < 2000
    assert np.abs(decode(found)[0] - noise).max() < 1 / 255


def test_cells_are_means_of_what_they_stand_for() -> None:
    image = np.array([[0, 0, 255, 255], [0, 0, 255, 255]], np.float32).repeat(500, axis=0)
    given = decode(encode(image, spec((None, 1000, 4))))
    np.testing.assert_array_equal(given[0], image)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [([101, 30521, -7, 102], "int64"), ([0, 255, 3], "int32"), ([True, False], "bool")],
)
def test_integers_are_exact(values: list[Any], dtype: str) -> None:
    row = np.array(values, dtype)
    found = encode(row, spec((None, len(values)), dtype))
    given = decode(json.loads(json.dumps(found)))
    np.testing.assert_array_equal(given, row[None])
    assert given.dtype == row.dtype


def test_a_fixed_batch_is_filled_and_a_model_without_one_has_none() -> None:
    row = np.arange(3, dtype=np.float32)
    assert decode(encode(row, spec((4, 3)))).shape == (4, 3)
    assert decode(encode(row, spec((3,)))).shape == (3,)


def test_the_largest_of_many_outputs_are_compared() -> None:
    answer = np.zeros(1000, np.float32)
    answer[[3, 777]] = 0.4, 0.6
    assert {0, 3, 777} <= set(compared_values(answer))
    assert len(compared_values(answer)) <= COMPARED
    assert compared_values(answer[:10]) == list(range(10))


def made(folder: Path, model: Any, samples: np.ndarray, *, softmax: bool) -> dict[str, Any]:
    signature = Signature((spec((None, *samples.shape[1:])),), (TensorSpec("y", "f", (), softmax),))
    arrays = {"x": samples}

    def run(given: Any) -> dict[str, np.ndarray]:
        return {"y": model(given["x"])}

    make(arrays, run(arrays), signature, run, folder)
    read: dict[str, Any] = json.loads((folder / RESULT).read_text())
    return read


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_a_sample_is_chosen_that_the_model_is_not_sure_of(tmp_path: Path) -> None:
    samples = np.array([[9, 0, -9], [1, 0.2, -2], [-9, 9, 0]], np.float32)
    found = made(tmp_path, softmax, samples, softmax=True)
    np.testing.assert_allclose(load_file(tmp_path / INPUTS)["x"], samples[1:2], atol=0.01)
    assert found["telling"] > 0.2


def test_the_same_golden_has_the_same_canary(tmp_path: Path) -> None:
    samples = RANDOM.normal(size=(20, 5)).astype(np.float32)
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        made(tmp_path / name, softmax, samples, softmax=True)
    one, other = ((tmp_path / name / RESULT).read_bytes() for name in ("one", "other"))
    assert one == other


def test_a_model_that_answers_the_same_to_all_has_no_canary(tmp_path: Path) -> None:
    flat = RANDOM.normal(size=(8, 4)).astype(np.float32)
    found = made(tmp_path, lambda x: 5 + x * 1e-6 + np.arange(4), flat, softmax=False)
    assert "does not look at its input" in found["reason"]
    assert canary_of(found, [proof([0.1, 0.9])], None) == (None, None)


def test_text_has_no_canary(tmp_path: Path) -> None:
    words = np.array([["a"], ["b"]])
    found = made(tmp_path, lambda x: np.eye(2), words, softmax=False)
    assert found["reason"].startswith("input x is ")


def test_what_a_broken_model_answers_is_far(tmp_path: Path) -> None:
    right = {"y": [0.7, 0.2, 0.1], "count": [4.0]}
    assert distance({"y": [0.7, 0.2, 0.1], "count": [4.0]}, right) == 0
    assert distance({"y": [0.2, 0.7, 0.1], "count": [4.0]}, right) == pytest.approx(0.5 / 0.6)
    assert distance({"y": [0.7, 0.2, 0.1], "count": [0.0]}, right) == 1


SAID = {"outputs": {"y": [0, 1]}, "telling": 0.5}


def proof(values: list[float | None], kind: str = "cpu", status: str = "pass") -> dict[str, Any]:
    return {"status": status, "hardware": {"kind": kind}, "canary": {"y": values}}


def test_the_tolerance_is_wider_than_what_targets_differ_by() -> None:
    one, other = proof([0.12, 0.9], "software"), proof([0.1, 0.9])
    failed = proof([0.9, 0.1], status="fail")
    found, reason = canary_of(SAID, [failed, one, other], {"y": [0.1, 0.91]})
    assert found is not None and reason is None
    assert found["outputs"] == {"y": {"indices": [0, 1], "values": [0.1, 0.9]}}, "the CPU's"
    assert found["tolerance"] == pytest.approx(MARGIN * 0.02 / 0.8)
    alone, _ = canary_of(SAID, [other], None)
    assert alone is not None and alone["tolerance"] == FLOOR


def test_no_canary_where_targets_differ_as_much_as_a_broken_model() -> None:
    found, reason = canary_of(SAID, [proof([0.1, 0.9]), proof([0.2, 0.8])], None)
    assert found is None and reason is not None and "a broken one might pass" in reason


def test_no_canary_where_nothing_passed_with_numbers() -> None:
    found, reason = canary_of(SAID, [proof([None, 0.9]), proof([0.1, 0.9], status="fail")], None)
    assert (found, reason) == (None, "it passed on no backend with finite answers")
