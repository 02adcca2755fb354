from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from half_models import frozen, norm_of_large, norm_of_small, plain, samples
from safetensors.numpy import save_file

from pipeline.artifacts.proof import Ranges
from pipeline.base.options import NoOptions
from pipeline.validate.ranges import SAMPLES, range_of, reduce, scan


def scanned(body: Callable[[Any], Any], place: Path) -> dict[str, dict[str, Any]]:
    given = place / "samples" / "test"
    given.mkdir(parents=True)
    save_file(samples(), given / "inputs.safetensors")
    (place / "work").mkdir()
    folders = {"frozen": frozen(body, place / "frozen"), "samples": place / "samples"}
    scan(folders, NoOptions(), place / "work")
    found = Ranges(place / "work").read()
    assert found["samples"] == SAMPLES
    return {node["node"]: node for node in found["nodes"]}


def test_a_node_that_overflows_is_seen_with_its_share(tmp_path: Path) -> None:
    squares = scanned(norm_of_large, tmp_path)["squares"]
    hidden = np.maximum(samples(SAMPLES)["x"] @ first_weights(), 0)
    wanted = (300 * hidden) ** 2
    assert squares["op"] == "Mul"
    assert squares["max_abs"] == squares["max"] == pytest.approx(wanted.max(), rel=1e-4)
    assert squares["overflow_share"] == pytest.approx((wanted > 65536).sum() / (wanted > 0).sum())
    assert squares["overflow_share"] > 0.5


def test_a_node_that_flushes_is_seen_and_zeros_do_not_count(tmp_path: Path) -> None:
    found = scanned(norm_of_small, tmp_path)
    assert found["squares"]["flush_share"] == 1
    assert found["squares"]["overflow_share"] == 0
    relu = next(node for node in found.values() if node["op"] == "Relu")
    assert (relu["min"], relu["flush_share"]) == (0, 0)


def test_numbers_near_one_are_no_hazard_and_each_node_is_there(tmp_path: Path) -> None:
    found = scanned(plain, tmp_path)
    assert {"Const", "MatMul", "Relu", "Tanh", "Placeholder"} <= {n["op"] for n in found.values()}
    assert all(n["overflow_share"] == n["flush_share"] == 0 for n in found.values())
    assert found["x"]["max_abs"] == pytest.approx(np.abs(samples(SAMPLES)["x"]).max(), rel=1e-5)


def test_extremes_are_of_finite_values_where_others_are_infinite(tmp_path: Path) -> None:
    def body(h: Any) -> Any:
        import tensorflow as tf

        return tf.tanh(tf.multiply(h * 2e19, h * 2e19, name="squares"))

    squares = scanned(body, tmp_path)["squares"]
    with np.errstate(over="ignore"):
        scaled = np.maximum(samples(SAMPLES)["x"] @ first_weights(), 0) * np.float32(2e19)
        wanted = scaled**2
    finite = wanted[np.isfinite(wanted)]
    assert 0 < squares["nonfinite"] == wanted.size - finite.size
    assert squares["max"] == pytest.approx(finite.max(), rel=1e-4)
    assert squares["min"] == 0


def test_the_same_samples_give_the_same_file(tmp_path: Path) -> None:
    once = scanned(norm_of_large, tmp_path / "a")
    assert once == scanned(norm_of_large, tmp_path / "b")


def test_shares_are_of_finite_values_that_are_not_zero() -> None:
    values = np.array([0, np.inf, np.nan, 1e5, -7e4, 1, 1e-8, 3e-5, -2, 4], np.float32)
    found = range_of(*reduce(values))
    assert (found["min"], found["max"], found["max_abs"]) == (-70000, 100000, 100000)
    assert found["nonfinite"] == 2
    assert found["overflow_share"] == pytest.approx(2 / 7)
    assert found["flush_share"] == pytest.approx(1 / 7)
    assert found["subnormal_share"] == pytest.approx(1 / 7)


def test_the_limits_are_float16s() -> None:
    limits = np.finfo(np.float16)
    just = np.array([limits.smallest_subnormal, limits.tiny, limits.max], np.float32)
    found = range_of(*reduce(just))
    assert (found["flush_share"], found["overflow_share"]) == (0, 0)
    assert found["subnormal_share"] == pytest.approx(1 / 3)
    assert range_of(*reduce(just / 2))["flush_share"] == pytest.approx(1 / 3)


def test_nothing_has_no_range() -> None:
    assert range_of(*reduce(np.zeros((0, 3), np.float32)))["max_abs"] == 0


def first_weights() -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).normal(0, 0.3, (16, 8)).astype(np.float32)
