from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import frozen_chains as chains
import numpy as np
import pytest
from classes import PURPOSE
from nightly import nightly
from safetensors.numpy import save_file

from pipeline.artifacts.frozen import Frozen
from pipeline.base.errors import ConfigError, PipelineError
from pipeline.export import freeze
from pipeline.graphs.tensorflow import blocks, moments
from pipeline.graphs.tensorflow.layers import layers
from pipeline.graphs.tensorflow.network import Network
from pipeline.optimize import round as rounding
from pipeline.tasks.image_classification import score
from pipeline.tensors.signature import TensorSpec
from pipeline.weights import grid

Array = np.ndarray[Any, Any]


def relu6(x: Any) -> Any:
    import tensorflow as tf

    return tf.nn.relu6(x)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``frozen`` and ``samples``."""
    root = tmp_path_factory.mktemp("round")
    chains.chain(root / "frozen", relu6)
    (root / "samples" / "calibration").mkdir(parents=True)
    given = {"image": chains.images(64, seed=5)}
    save_file(given, root / "samples" / "calibration" / "inputs.safetensors")
    named = {"task": {"name": "tensors"}}
    (root / "samples" / "samples.json").write_text(json.dumps(named))
    return root


def rounded(folder: Path, frozen: Path, work: Path, **options: Any) -> dict[str, Any]:
    work.mkdir()
    inputs = {"frozen": frozen, "samples": folder / "samples"}
    rounding.apply(inputs, rounding.Options(**options), work)
    told: dict[str, Any] = json.loads((work / "round.json").read_text())["layers"]
    return told


def answers(folder: Path) -> np.ndarray[Any, Any]:
    return freeze.run(folder, {"image": chains.images(64)})["y"]


def error(folder: Path, frozen: Path) -> float:
    wanted = answers(frozen)
    return float(((answers(folder) - wanted) ** 2).mean() / wanted.var(axis=0).mean())


def test_weights_lie_on_grids_that_codecs_find(folder: Path, tmp_path: Path) -> None:
    told = rounded(folder, folder / "frozen", tmp_path / "some", bits=5, levels=256)
    network = Network.read(Frozen(tmp_path / "some"))
    assert [layer.name for layer in layers(network)] == list(told)
    for layer in layers(network):
        values = network.value(layer.node.input[1])
        found = grid.find(values, None, 256)
        assert found is not None
        np.testing.assert_array_equal(found.numbers.astype(np.float32) * found.scale, values)
        np.testing.assert_array_equal(values.astype(np.float16), values)
        bias = layer.offsets(network)
        assert bias is not None
        np.testing.assert_array_equal(bias.astype(np.float16), bias)


@pytest.mark.parametrize("granularity", [nightly("per-tensor"), "per-channel"])
def test_weights_make_up_for_each_others_errors(
    granularity: str, folder: Path, tmp_path: Path
) -> None:
    errors = {}
    for method in ("feedback", "nearest"):
        options = {"method": method, "bits": 4, "granularity": granularity}
        rounded(folder, folder / "frozen", tmp_path / method, **options)
        errors[method] = error(tmp_path / method, folder / "frozen")
    assert errors["feedback"] < 0.7 * errors["nearest"]


def test_bits_are_what_a_weight_takes_and_more_of_them_cost_less(
    folder: Path, tmp_path: Path
) -> None:
    errors = []
    for bits in (3, 6):
        work = tmp_path / str(bits)
        told = rounded(folder, folder / "frozen", work, bits=bits).values()
        total = sum(one["weights"] for one in told)
        assert sum(one["weights"] * one["bits"] for one in told) / total == pytest.approx(bits, 0.1)
        errors.append(error(work, folder / "frozen"))
    # 6 dB for a bit.
    assert errors[1] < errors[0] / 30


@pytest.mark.parametrize("scale", [nightly(1.0), nightly(1e-4), 1e4])
def test_outputs_count_alike_whatever_their_scale(
    scale: float, folder: Path, tmp_path: Path
) -> None:
    frozen = chains.heads(tmp_path / "frozen", scale)
    rounded(folder, frozen, tmp_path / "rounded", bits=4)
    given = {"image": chains.images(64)}
    wanted, found = freeze.run(frozen, given), freeze.run(tmp_path / "rounded", given)
    errors = {name: compare_one(found[name], wanted[name]) for name in wanted}
    assert max(errors.values()) < 0.1
    assert max(errors.values()) < 3 * min(errors.values())


def compare_one(found: Array, wanted: Array) -> float:
    """Root mean square error, as a share of the deviation."""
    return float(np.sqrt(((found - wanted) ** 2).mean() / wanted.var(axis=0).mean()))


def test_no_grid_has_more_levels_than_asked_for(folder: Path, tmp_path: Path) -> None:
    told = rounded(folder, folder / "frozen", tmp_path / "few", bits=8, levels=16)
    assert max(one["levels"] for one in told.values()) == 16


def test_pruned_weights_stay_zero(folder: Path, tmp_path: Path) -> None:
    network = Network.read(Frozen(folder / "frozen"))
    for layer in layers(network):
        weights = layer.weights(network).copy()
        weights[abs(weights) < np.median(abs(weights))] = 0
        layer.set_weights(network, weights)
    (tmp_path / "sparse").mkdir()
    network.write(Frozen(folder / "frozen"), tmp_path / "sparse")
    rounded(folder, tmp_path / "sparse", tmp_path / "some", bits=4)
    before, after = (Network.read(Frozen(tmp_path / name)) for name in ("sparse", "some"))
    for one, other in zip(layers(before), layers(after), strict=True):
        assert (other.weights(after)[one.weights(before) == 0] == 0).all()


def test_a_fixed_batch_runs_again_and_again(folder: Path, tmp_path: Path) -> None:
    import tensorflow as tf
    from frozen_models import freeze as frozen

    w = chains.Weights()

    def model(image: Any) -> dict[str, Any]:
        x = tf.reshape(tf.nn.relu(w.conv(image, 3, 8)), [2, 512])
        return {"y": tf.nn.softmax(w.dense(x, 5))}

    frozen(model, [TensorSpec("image", "float32", (2, 8, 8, 3))], tmp_path / "frozen")
    told = rounded(folder, tmp_path / "frozen", tmp_path / "some")
    assert len(told) == 2
    feeds = {"image": chains.images(2)}
    before, after = (freeze.run(tmp_path / name, feeds)["y"] for name in ("frozen", "some"))
    np.testing.assert_allclose(after, before, atol=0.02)
    assert (before != after).any()


def test_what_it_does_not_know_is_left_alone(folder: Path, tmp_path: Path) -> None:
    import tensorflow as tf
    from frozen_models import freeze as frozen

    w = chains.Weights()

    def model(image: Any) -> dict[str, Any]:
        x = tf.nn.relu(w.conv(image, 3, 8))
        x = tf.nn.conv2d(x, w.plain(3, 3, 4, 6), 1, "SAME")  # two groups of channels
        x = tf.nn.conv2d(x, w.plain(3, 3, 6, 4), 1, [[0, 0], [1, 0], [1, 0], [0, 0]])
        return {"best": tf.argmax(w.dense(tf.reduce_mean(x, [1, 2]), 5), -1)}

    frozen(model, [TensorSpec("image", "float32", (None, 8, 8, 3))], tmp_path / "frozen")
    assert list(rounded(folder, tmp_path / "frozen", tmp_path / "some")) == ["Conv2D", "MatMul"]


def test_the_same_bytes_twice(folder: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        rounded(folder, folder / "frozen", tmp_path / name)
    for file in ("frozen.pb", "round.json", "signature.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_model_without_weights_is_told(folder: Path, tmp_path: Path) -> None:
    from frozen_models import freeze as frozen

    spec = TensorSpec("image", "float32", (None, 8, 8, 3))
    frozen(lambda image: {"y": image * 2.0}, [spec], tmp_path / "frozen")
    with pytest.raises(PipelineError, match="round: the model has no convolution or product"):
        rounded(folder, tmp_path / "frozen", tmp_path / "some")


def test_a_bare_number_is_the_bits() -> None:
    assert rounding.Options.model_validate(3.5) == rounding.Options(bits=3.5)


def test_the_worst_layers_stay_float16_until_enough_is_kept(folder: Path, tmp_path: Path) -> None:
    options = rounding.Options(bits=8, levels=24, keep={"relative_error": 0.1})
    (tmp_path / "kept").mkdir()
    inputs = {"frozen": folder / "frozen", "samples": folder / "samples"}
    rounding.apply(inputs, options, tmp_path / "kept")
    told = json.loads((tmp_path / "kept" / "round.json").read_text())
    damage = list(told["damage"].values())
    assert damage == sorted(damage, reverse=True)
    assert told["kept"] == list(told["damage"])[: len(told["kept"])]
    assert 0 < len(told["kept"]) < len(damage)
    assert told["measured"]["relative_error"] <= 0.1
    # Not only where it was measured; this is its square.
    assert error(tmp_path / "kept", folder / "frozen") < 0.02
    network = Network.read(Frozen(tmp_path / "kept"))
    for layer in layers(network):
        values = network.value(layer.node.input[1])
        assert (grid.find(values, None, 256) is None) == (layer.name in told["kept"])
        np.testing.assert_array_equal(values.astype(np.float16), values)


def test_a_bound_that_says_nothing_is_told(folder: Path, tmp_path: Path) -> None:
    """The outputs are no softmax, so there are no logits."""
    keep = {"logits_max_abs_error": 0.1}
    with pytest.raises(PipelineError, match=r"round.keep: logits_max_abs_error says nothing of"):
        rounded(folder, folder / "frozen", tmp_path / "some", keep=keep)


def test_a_bound_that_float16_misses_is_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"round.keep: with every layer in float16 .* snr_db"):
        rounded(folder, folder / "frozen", tmp_path / "some", keep={"snr_db": 200})


def test_a_bound_on_classes_needs_a_task_that_has_them(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the task tensors has no top1_agreement"):
        rounded(folder, folder / "frozen", tmp_path / "some", keep={"top1_agreement": 0.9})


Model = Callable[..., dict[str, Any]]
Samples = dict[str, "np.ndarray[Any, Any]"]


def off(model: Model, samples: Samples, work: Path, **options: Any) -> float:
    """How far a rounded network's output is off, as a share of its root mean square."""
    from frozen_models import freeze as frozen

    shapes = options.pop("shapes", {})
    specs = [
        TensorSpec(name, "float32", shapes.get(name, (None, *values.shape[1:])))
        for name, values in samples.items()
    ]
    frozen(model, specs, work / "frozen")
    network = Network.read(Frozen(work / "frozen"))
    rounding.round_weights(network, samples, rounding.Options(**options))
    (work / "some").mkdir()
    network.write(Frozen(work / "frozen"), work / "some")
    feeds = {
        name: np.resize(values, (shapes.get(name, (4,))[0], *values.shape[1:]))
        for name, values in samples.items()
    }
    before, after = (freeze.run(work / name, feeds)["y"] for name in ("frozen", "some"))
    return float(np.sqrt(((after - before) ** 2).mean() / (before**2).mean()))


@pytest.mark.parametrize("method", ["feedback", "nearest"])
@pytest.mark.parametrize("case", ["constant", "far", "one", "same"])
def test_inputs_that_hardly_vary_are_rounded(case: str, method: str, tmp_path: Path) -> None:
    import tensorflow as tf

    w = chains.Weights()

    def model(image: Any, other: Any) -> dict[str, Any]:
        x = tf.nn.relu(w.conv(image, 3, 8) * 0.01 + 100.0)
        x = tf.reduce_mean(tf.nn.relu(w.conv(x, 1, 6)), [1, 2])
        return {"y": w.dense(x, 5) + w.dense(tf.nn.relu(w.dense(other, 6)), 5)}

    count = 1 if case == "one" else 16
    image = chains.images(1).repeat(count, 0) if case == "same" else chains.images(count)
    value = {"constant": 0.37, "far": 1000.0}.get(case, 500.0)
    samples = {"image": image, "other": np.full((count, 6), value, np.float32)}
    assert off(model, samples, tmp_path, method=method, bits=8) < 0.02


def test_samples_that_are_not_finite_are_told(tmp_path: Path) -> None:
    w = chains.Weights()
    samples = {"x": np.full((4, 6), np.inf, np.float32)}
    with pytest.raises(PipelineError, match="values that are not finite, before MatMul"):
        off(lambda x: {"y": w.dense(x, 5)}, samples, tmp_path)


def test_a_layer_may_read_any_output_of_a_node(tmp_path: Path) -> None:
    import tensorflow as tf

    w = chains.Weights()

    def model(image: Any) -> dict[str, Any]:
        first, second = tf.split(w.conv(image, 3, 8), [3, 5], -1)
        x = tf.concat([w.conv(second, 3, 4), tf.nn.relu(w.conv(first, 3, 4)), second], -1)
        one, other = tf.unstack(tf.reshape(x, [-1, 2, 13 * 32]), axis=1)
        both = tf.stack([w.dense(one, 5), w.dense(other, 5)], axis=1)
        return {"y": tf.nn.softmax(tf.unstack(both, axis=1)[1])}

    assert off(model, {"image": chains.images(16)}, tmp_path, bits=8) < 0.05


def small(image: Any) -> dict[str, Any]:
    import tensorflow as tf

    w = chains.Weights()
    return {"y": w.dense(tf.reduce_mean(tf.nn.relu(w.conv(image, 3, 8)), [1, 2]), 5)}


@pytest.mark.parametrize(("batch", "count"), [(24, 40), (8, 4), (3, 7)])
def test_a_fixed_batch_is_filled_up(batch: int, count: int, tmp_path: Path) -> None:
    samples = {"image": chains.images(count)}
    shapes = {"image": (batch, 8, 8, 3)}
    assert off(small, samples, tmp_path, shapes=shapes) < 0.05


def test_samples_may_lack_a_batch(tmp_path: Path) -> None:
    from frozen_models import freeze as frozen

    spec = TensorSpec("image", "float32", (8, 8, 3))
    frozen(lambda image: {"y": small(image[None])["y"][0]}, [spec], tmp_path / "frozen")
    network = Network.read(Frozen(tmp_path / "frozen"))
    options = rounding.Options(keep={"top1_agreement": 1})

    def agree(outputs: Any, wanted: Any) -> dict[str, float | None]:
        return score.agree(outputs, wanted, PURPOSE.about())

    told = rounding.round_weights(network, {"image": chains.images(12)}, options, agree)
    assert told["measured"]["top1_agreement"] == 1
    assert len(told["layers"]) == 2


def test_a_lack_of_samples_is_told(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="there are no calibration samples of image"):
        off(small, {"image": chains.images(4)[:0]}, tmp_path)


@pytest.mark.parametrize("granularity", [nightly("per-tensor"), "per-channel"])
def test_wide_layers_are_rounded_in_blocks(
    granularity: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "MOST_INPUTS", 64)
    monkeypatch.setattr(blocks, "BLOCK_INPUTS", 40)
    errors = {}
    for method in ("feedback", "nearest"):
        options = {"method": method, "bits": 4, "granularity": granularity}
        told = rounded(folder, folder / "frozen", tmp_path / method, **options)
        assert told["MatMul"]["weights"] == 4 * 4 * 6 * 5
        errors[method] = error(tmp_path / method, folder / "frozen")
    assert errors["feedback"] < 0.75 * errors["nearest"]


def test_windows_of_few_samples_at_once_have_the_same_moments(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf

    network = Network.read(Frozen(folder / "frozen"))
    layer = next(iter(layers(network)))
    given = [tf.constant(chains.images(16))]
    shape = network.value(layer.node.input[1]).shape
    whole = moments.moments(layer, given, given, shape)
    # 8 x 8 windows of 3 x 3 x 3 floats for each of 3 samples.
    monkeypatch.setattr(moments, "PATCH_BYTES", 3 * 64 * 27 * 4)
    parts = moments._parts(layer, given, given, shape)
    assert [len(x) for x, _ in parts] == [3, 3, 3, 3, 3, 1]
    found = moments.moments(layer, given, given, shape)
    np.testing.assert_allclose(found.square, whole.square, atol=1e-5)
    np.testing.assert_allclose(found.mean, whole.mean, atol=1e-6)


def test_keep_names_a_bound() -> None:
    with pytest.raises(ValueError, match="name a bound, such as relative_error, snr_db or an"):
        rounding.Options(keep={})
    with pytest.raises(ValueError, match="wire_bytes"):
        rounding.Options(keep={"wire_bytes": 9})
