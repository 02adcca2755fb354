from __future__ import annotations

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from pipeline.base.errors import RunError
from pipeline.measures.parity import compare
from pipeline.measures.worst import FILE, keep_worst
from pipeline.tensors.batches import infer_in_batches
from pipeline.tensors.signature import TensorSpec
from pipeline.tensors.varying import align, flat, join, pack, pad, row, unpack, varies

#: Samples, the first number of each of which says how many boxes it gives.
COUNTS = np.array([[2], [1], [0], [3]], np.float32)
BOXES = [np.arange(4 * n, dtype=np.float32).reshape(n, 4) + 1 for n in (2, 1, 0, 3)]
FREE, ONE, TWO = (TensorSpec("x", "float32", (batch, 1)) for batch in (None, 1, 2))


def detect(batch):
    """As detectors do that take one image: boxes [k, 4], scores [1, k]."""
    boxes = BOXES[[*COUNTS[:, 0]].index(batch["x"][0, 0])]
    return {"boxes": boxes, "scores": boxes[None, :, 0], "sum": batch["x"].sum(axis=1)}


@pytest.mark.parametrize("spec", [FREE, ONE])
def test_each_sample_keeps_its_own_shape(spec):
    outputs = infer_in_batches(detect, {"x": COUNTS}, [spec])
    assert [boxes.shape for boxes in outputs["boxes"]] == [(2, 4), (1, 4), (0, 4), (3, 4)]
    assert [scores.shape for scores in outputs["scores"]] == [(2,), (1,), (0,), (3,)]
    np.testing.assert_array_equal(outputs["boxes"][3], BOXES[3])
    assert not varies(outputs["sum"])
    np.testing.assert_array_equal(outputs["sum"], COUNTS[:, 0])


def test_a_fixed_batch_of_several_samples_is_refused():
    with pytest.raises(RunError, match=r'output "boxes" has shape .* for a batch of 2') as caught:
        infer_in_batches(detect, {"x": COUNTS}, [TWO])
    assert caught.value.todo == "give the model a batch of 1, so that samples go one by one"


def test_a_file_holds_them_and_gives_one_sample(tmp_path):
    arrays = {"boxes": join(BOXES), "sum": COUNTS, "one": np.arange(4)}
    save_file(pack(arrays), tmp_path / "file")
    unpacked = unpack(load_file(tmp_path / "file"))
    assert set(unpacked) == set(arrays)
    for left, right in zip(unpacked["boxes"], BOXES, strict=True):
        np.testing.assert_array_equal(left, right)
    with safe_open(tmp_path / "file", framework="numpy") as tensors:
        for index, boxes in enumerate(BOXES):
            np.testing.assert_array_equal(row(tensors, "boxes", index), boxes)
        assert row(tensors, "one", 2) == 2


def test_what_one_lacks_is_zero_in_it():
    given, wanted, other = align(join(BOXES[:2]), join([BOXES[0], BOXES[0]]))
    assert other == 0.5
    assert given.shape == wanted.shape == (2, 2, 4)
    assert not given[1, 1].any()
    assert align(COUNTS, COUNTS) == (COUNTS, COUNTS, None)


def test_samples_with_one_box_each_are_the_golden_of_which_they_are_part():
    """[1, 4] for a batch of one may be one box, or the only row of a batch."""
    golden = join(BOXES)[[1, 1]]
    outputs = infer_in_batches(detect, {"x": COUNTS[[1, 1]]}, [ONE])["boxes"]
    assert outputs.shape == (2, 4)
    given, wanted, other = align(outputs, golden)
    assert other == 0
    np.testing.assert_array_equal(given, wanted)


def test_a_box_too_few_is_an_error_of_its_size(tmp_path):
    golden, outputs = {"boxes": join(BOXES)}, {"boxes": join([*BOXES[:3], BOXES[3][:2]])}
    equal = compare(golden, golden, {})
    assert (equal["max_abs_error"], equal["other_shapes"]) == (0, 0)
    lost = compare(outputs, golden, {})
    assert lost["max_abs_error"] == BOXES[3].max()
    assert lost["other_shapes"] == lost["outputs"]["boxes"]["other_shapes"] == 0.25
    worst = keep_worst(outputs, golden, tmp_path)
    assert worst[0] == {"sample": 3, "error": float(BOXES[3].max())}
    assert unpack(load_file(tmp_path / FILE))["boxes"][0].shape == (2, 4)


def test_shapes_that_do_not_vary_have_no_such_measure():
    parity = compare({"y": COUNTS}, {"y": COUNTS}, {})
    assert parity["other_shapes"] is None
    assert "other_shapes" not in parity["outputs"]["y"]


def test_values_and_padding():
    assert flat(join(BOXES)).size == sum(boxes.size for boxes in BOXES)
    assert pad(join(BOXES)).shape == (4, 3, 4)
    assert pad(COUNTS) is COUNTS
