"""Quantization-aware training: weights that lie on grids, to the last bit, in what is shipped."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trainable

from pipeline.base.errors import ConfigError
from pipeline.base.options import NoOptions
from pipeline.graphs.keras.fold import fold, kernel_of, linear_layers, output_axes
from pipeline.optimize import qat
from pipeline.optimize.training.teaching import Lesson
from pipeline.weights.bits import significant
from pipeline.weights.codec import affine, decode

OPTIONS = qat.Options(
    levels=7,
    small_levels=15,
    bias_levels=31,
    smallest_kernel=256,
    finetune_epochs=8,
    learning_rate=0.003,
    batch_size=20,
    label_share=0,
)

PER_TENSOR = {"granularity": "per-tensor", "levels": 255, "step": 1.0, "finetune_epochs": 4}

#: Layers with fewer than 256 weights, and the depthwise one.
SMALL = {"depthwise", "read_twice"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``source`` and ``samples``; and ``qat``, the source trained to be coarse."""
    root = tmp_path_factory.mktemp("qat")
    run(trainable.write(root, trainable.trained(sparse="dense")), root, "qat")
    return root


def dense(model: Any) -> Any:
    return model.get_layer("inner").get_layer("dense")


def run(inputs: dict[str, Path], root: Path, name: str, options: qat.Options = OPTIONS) -> Path:
    (root / name).mkdir()
    qat.apply(inputs, options, root / name)
    return root / name


def channels(kernel: Any, axes: tuple[int, ...]) -> Any:
    """[c, weights of a channel]"""
    last = np.moveaxis(kernel, axes, range(-len(axes), 0))
    return last.reshape(-1, int(np.prod(last.shape[-len(axes) :]))).T


def grid_step(weights: Any) -> float:
    """The widest step, a seventh of the nearest values' distance at least, that they all lie on."""
    values = np.unique(np.append(weights, 0).astype(np.float64))
    closest = float(np.diff(values).min()) if len(values) > 1 else 1.0
    steps = [closest / part for part in range(1, 8)]
    return next(s for s in steps if np.allclose(values / s, np.rint(values / s), atol=1e-3))


def test_every_channel_lies_on_a_grid_of_its_own(root: Path) -> None:
    seen = set()
    for layer in linear_layers(trainable.load(root / "qat")):
        levels = 15 if layer.name in SMALL else 7
        for weights in channels(kernel_of(layer).numpy(), output_axes(layer)):
            step = grid_step(weights)
            q = np.rint(weights / step)
            np.testing.assert_array_equal(weights, np.float32(q) * np.float32(step))
            assert np.ptp(np.append(q, 0)) < levels, layer.name
            seen.add(step)
    # A channel may happen to use every third level only.
    assert np.mean([step == significant(step, OPTIONS.scale_bits) for step in seen]) > 0.9
    assert len(seen) > 20


def test_biases_have_few_values(root: Path) -> None:
    for layer in linear_layers(trainable.load(root / "qat")):
        bias = layer.bias.numpy()
        step = next(2.0**k for k in range(10, -20, -1) if not (bias % 2.0**k).any())
        assert np.ptp(bias) / step < OPTIONS.bias_levels


def test_one_step_for_a_whole_kernel_is_what_one_byte_and_one_scale_hold(root: Path) -> None:
    model = rounded_only(root, **PER_TENSOR)
    for layer in linear_layers(model):
        kernel = kernel_of(layer).numpy()
        np.testing.assert_array_equal(decode(affine(kernel, None, np.uint8), None), kernel)


@pytest.mark.nightly  # it trains as per channel, and rounds as the test before
def test_one_step_for_a_whole_kernel_is_learnt(root: Path) -> None:
    options = OPTIONS.model_copy(update=PER_TENSOR)
    model = trainable.load(run(trainable.given(root), root, "per-tensor", options))
    inputs, labels = trainable.images(400, 9)
    assert (model(inputs).numpy().argmax(axis=1) == labels).mean() > 0.6


def test_zeros_of_pruning_stay(root: Path) -> None:
    before, after = (
        dense(trainable.load(root / name)).kernel.numpy() for name in ("source", "qat")
    )
    assert 0.3 < (before == 0).mean() < 0.7
    assert (after[before == 0] == 0).all()
    assert (after[before != 0] != 0).mean() > 0.5


def test_clusters_stay_clusters(root: Path, tmp_path: Path) -> None:
    given = {**trainable.given(root), "source": tmp_path / "clustered"}
    shutil.copytree(root / "source", given["source"])
    (given["source"] / "cluster.json").write_text('{"layers": {"first": 2.0}}')
    options = OPTIONS.model_copy(update={"finetune_epochs": 1, "granularity": "per-tensor"})
    folded, _ = fold(trainable.load(root / "source"))
    expected, found = (
        model.get_layer("first").kernel.numpy()
        for model in (folded, trainable.load(run(given, tmp_path, "after", options)))
    )
    np.testing.assert_array_equal(found, expected)


def rounded_only(root: Path, **options: Any) -> Any:
    """The source on its grids, without the training that finds better ones."""
    from pipeline.optimize.training import finetune

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finetune, "fit", lambda *args, **named: {})
        chosen = OPTIONS.model_copy(update=options)
        rounded, _, _ = qat.quantize(
            trainable.load(root / "source"), Lesson(None, None, None), chosen
        )
    return rounded


def test_training_finds_better_weights_than_rounding(root: Path) -> None:
    source, trained = (trainable.load(root / name) for name in ("source", "qat"))
    inputs, labels = trainable.images(400, 9)
    rounded = rounded_only(root)
    right = [
        float((model(inputs).numpy().argmax(axis=1) == labels).mean())
        for model in (source, trained, rounded)
    ]
    assert right[1] > right[0] - 0.05
    assert right[1] > right[2] + 0.05


def test_what_is_trained_is_what_is_published(root: Path, tmp_path: Path) -> None:
    """No converter folds anything more into the weights."""
    import onnx
    from onnx import numpy_helper

    from pipeline.export import freeze, tfjs_graph
    from pipeline.export import onnx as fmt

    for name in ("frozen", "onnx", "tfjs"):
        (tmp_path / name).mkdir()
    freeze.freeze({"source": root / "qat"}, NoOptions(), tmp_path / "frozen")
    inputs = {"frozen": tmp_path / "frozen"}
    fmt.convert(inputs, fmt.ConvertOptions(), tmp_path / "onnx")
    tfjs_graph.convert(inputs, NoOptions(), tmp_path / "tfjs")
    model = onnx.load(tmp_path / "onnx" / "model.onnx")
    published = [numpy_helper.to_array(tensor) for tensor in model.graph.initializer]
    weights = np.frombuffer((tmp_path / "tfjs" / "weights.bin").read_bytes(), "<f4")
    for layer in linear_layers(trainable.load(root / "qat")):
        for values in (kernel_of(layer).numpy(), layer.bias.numpy()):
            expected = np.sort(values.ravel())
            assert any(np.array_equal(np.sort(p.ravel()), expected) for p in published), layer.name
            assert set(expected.tolist()) <= set(weights.tolist())


def test_it_tells_how_many_bits_a_weight_needs(root: Path) -> None:
    told = json.loads((root / "qat" / "qat.json").read_text())
    assert set(told["layers"]) == {
        layer.name for layer in linear_layers(trainable.load(root / "qat"))
    }
    assert 0 < told["layers"]["dense"] < np.log2(OPTIONS.levels)
    assert told["kept_epoch"]["loss"] >= 0


@pytest.mark.nightly  # test_prune.py: another process gives them
def test_the_same_bytes_twice(root: Path) -> None:
    again = run(trainable.given(root), root, "again")
    for name in ("model.h5", "qat.json", "source.json"):
        assert (again / name).read_bytes() == (root / "qat" / name).read_bytes(), name


def test_a_coarser_step_leaves_fewer_values(root: Path) -> None:
    counts = []
    for step in (0.25, 2.0):
        model = rounded_only(root, levels=255, step=step)
        kernel = model.get_layer("first").kernel.numpy().reshape(27, 16)
        counts.append(np.mean([len(np.unique(column)) for column in kernel.T]))
    assert counts[0] > 2 * counts[1] > 4


def test_skipped_layers_are_left_out(root: Path) -> None:
    kernel = dense(rounded_only(root, skip=["dense"])).kernel.numpy()
    assert len(np.unique(kernel)) > 400


def test_an_unknown_layer_is_named(root: Path) -> None:
    options = OPTIONS.model_copy(update={"skip": ["nowhere"]})
    with pytest.raises(ConfigError, match=r"qat\.skip: the model has no such layer: nowhere"):
        run(trainable.given(root), root, "unknown", options)


def test_a_bare_number_is_the_levels() -> None:
    assert qat.Options.model_validate(15) == qat.Options(levels=15)
