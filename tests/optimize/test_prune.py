"""Pruning really zeroes weights, keeps accuracy, and gives the same bytes every time."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from classes import PURPOSE
from sources_to_train import inputs, load, write_source

from pipeline.base.errors import ConfigError, PipelineError
from pipeline.engine.step import on_progress
from pipeline.optimize import prune
from pipeline.samples import folder
from pipeline.samples.folder import Split
from tools import train_digits as train

SPARSITY = 0.6

#: Trains the bundled MobileNet; a small network shows what else pruning does.
of_digits = pytest.mark.nightly


def zeros(layer: Any) -> float:
    return float((layer.kernel.numpy() == 0).mean())


@pytest.fixture(scope="module")
def notes() -> list[tuple[float, str]]:
    """What the pruning of the digits reported."""
    return []


@pytest.fixture(scope="module")
def digits(
    tmp_path_factory: pytest.TempPathFactory, notes: list[tuple[float, str]], digits_root: Path
) -> Path:
    """A folder with ``source``, the bundled MobileNet, and ``sparse``, the same pruned."""
    root = tmp_path_factory.mktemp("pruned")
    (root / "source").symlink_to(digits_root / "source")
    (root / "sparse").mkdir()
    on_progress(lambda part, note: notes.append((part, note)))
    try:
        options = prune.Options(sparsity=SPARSITY, finetune_epochs=3)
        prune.apply(inputs(digits_root), options, root / "sparse")
    finally:
        on_progress(lambda part, note: None)
    return root


@of_digits
def test_pruned_layers_hold_the_zeros_asked_for(digits: Path) -> None:
    model = load(digits / "sparse")
    told = json.loads((digits / "sparse" / "prune.json").read_text())["layers"]
    assert set(told) == {f"conv_pw_{i}" for i in range(3, 14)} | {"conv_preds"}
    for name, share in told.items():
        layer = model.get_layer(name)
        assert zeros(layer) == pytest.approx(share, abs=1e-6)
        # Half a weight is rounded away.
        assert share >= SPARSITY - 0.5 / layer.kernel.shape.num_elements() - 1e-6
        assert share <= SPARSITY + 0.01


@of_digits
def test_small_and_depthwise_layers_stay_dense(digits: Path) -> None:
    model = load(digits / "sparse")
    assert zeros(model.get_layer("conv1")) == 0
    for index in range(1, 14):
        kernel = model.get_layer(f"conv_dw_{index}").depthwise_kernel.numpy()
        assert (kernel != 0).all()


@of_digits
def test_the_result_is_the_same_plain_model(digits: Path) -> None:
    before, after = load(digits / "source"), load(digits / "sparse")
    assert after.get_config() == before.get_config()
    assert after.optimizer is None
    source = json.loads((digits / "sparse" / "source.json").read_text())
    assert source == {"load": "keras_file", "path": "model.h5"}


@of_digits
def test_accuracy_drops_by_at_most_a_point(digits: Path) -> None:
    from classes import accuracy

    test = train.examples("test")
    before, after = (
        accuracy({"p": load(digits / name).predict(test.inputs[0], verbose=0)}, test.targets[0])
        for name in ("source", "sparse")
    )
    assert after["value"] >= before["value"] - 0.01


@of_digits
def test_progress_tells_loss_and_accuracy(digits: Path, notes: list[tuple[float, str]]) -> None:
    parts = [part for part, _ in notes]
    assert parts == sorted(parts)
    assert (parts[-1], len(set(parts))) == (1.0, 3 * (1293 // 32))
    assert notes[-1][1].startswith("epoch 3/3 held back: loss 0.")
    assert notes[-1][1].endswith("%")


@pytest.fixture(scope="module")
def two_headed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``source``, two inputs, a model inside and two outputs, and ``samples``."""
    import tf_keras

    root = tmp_path_factory.mktemp("two_headed")
    tf_keras.utils.set_random_seed(3)
    a, b = tf_keras.Input(12, name="a"), tf_keras.Input(4, name="b")
    inner = tf_keras.Sequential(
        [tf_keras.layers.Dense(16, name="first"), tf_keras.layers.BatchNormalization(name="norm")],
        name="inner",
    )
    middle = tf_keras.layers.Concatenate(name="both")([inner(a), b])
    middle = tf_keras.layers.Dropout(0.1, name="drop")(middle)
    classes = tf_keras.layers.Dense(10, activation="softmax", name="classes")(middle)
    number = tf_keras.layers.Dense(10, name="number")(middle)
    write_source(tf_keras.Model([a, b], [classes, number]), root / "source")
    (root / "samples").mkdir()
    chance = np.random.default_rng(0)
    splits = {
        name: Split(
            {
                "a": chance.standard_normal((40, 12), np.float32),
                "b": chance.standard_normal((40, 4), np.float32),
            }
        )
        for name in folder.SPLITS
    }
    folder.write(root / "samples", splits, description="noise", task=PURPOSE)
    return root


def run(root: Path, work: Path, options: prune.Options) -> Path:
    work.mkdir(exist_ok=True)
    prune.apply(inputs(root), options, work)
    return work


SMALL = prune.Options(sparsity=0.5, finetune_epochs=3, smallest_kernel=150, batch_size=8)


@pytest.fixture(scope="module")
def sparse(two_headed: Path) -> Path:
    """The same pruned, in a process that is left as it was."""
    from tensorflow.python.framework import config

    random.seed(7)
    np.random.seed(7)
    expected = random.Random(7).random(), np.random.RandomState(7).random_sample()
    work = run(two_headed, two_headed / "sparse", SMALL)
    assert (random.random(), np.random.random_sample()) == expected
    assert not config.is_op_determinism_enabled()
    return work


def test_without_labels_the_model_teaches_itself(sparse: Path) -> None:
    model = load(sparse)
    assert json.loads((sparse / "prune.json").read_text())["layers"] == {
        "first": 0.5,
        "classes": 0.5,
        "number": 0.5,
    }
    assert zeros(model.get_layer("inner").get_layer("first")) == 0.5
    assert model.get_layer("inner").get_layer("norm").momentum == 0.99


def test_two_of_every_four_weights_are_zero_but_of_skipped_layers(
    two_headed: Path, tmp_path: Path
) -> None:
    options = SMALL.model_copy(update={"pattern": "2:4", "skip": ["classes"]})
    model = load(run(two_headed, tmp_path, options))
    for layer in (model.get_layer("inner").get_layer("first"), model.get_layer("number")):
        blocks = layer.kernel.numpy().T.reshape(-1, 4)  # [units x inputs / 4, 4]
        assert ((blocks == 0).sum(axis=1) == 2).all()
    assert zeros(model.get_layer("classes")) == 0


def test_a_pattern_without_quotes_is_the_pattern() -> None:
    read = prune.Options.model_validate(yaml.safe_load("{pattern: 2:4}"))
    assert read == prune.Options(pattern="2:4")
    with pytest.raises(ValueError, match=r"pattern 2:4 is a sparsity of 0\.5"):
        prune.Options(pattern="2:4", sparsity=0.7)


def test_another_process_gives_the_same_bytes(two_headed: Path, sparse: Path) -> None:
    there = two_headed / "there"
    there.mkdir()
    script = (
        "import sys; from pathlib import Path; from pipeline.optimize import prune\n"
        "root = Path(sys.argv[1])\n"
        "options = prune.Options.model_validate_json(sys.argv[2])\n"
        "inputs = {'source': root / 'source', 'teacher': root / 'source'}\n"
        "inputs['samples'] = root / 'samples'\n"
        "prune.apply(inputs, options, root / 'there')\n"
    )
    command = [sys.executable, "-c", script, str(two_headed), SMALL.model_dump_json()]
    subprocess.run(command, check=True, capture_output=True)
    for name in ("model.h5", "prune.json", "source.json"):
        assert (sparse / name).read_bytes() == (there / name).read_bytes(), name


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"skip": ["nowhere"]}, ConfigError, "prune.skip: the model has no layer nowhere"),
        ({"begin": 0.6, "end": 0.6}, ConfigError, r"prune.begin \(0.6\) is not before prune.end"),
        ({"smallest_kernel": 9999}, PipelineError, "no convolution or dense layer of 9999 weights"),
    ],
)
def test_what_cannot_be_done_is_said(
    two_headed: Path,
    tmp_path: Path,
    options: dict[str, Any],
    kind: type[PipelineError],
    message: str,
) -> None:
    with pytest.raises(kind, match=message):
        run(two_headed, tmp_path, SMALL.model_copy(update=options))


def test_a_model_without_layers_cannot_be_pruned(two_headed: Path, tmp_path: Path) -> None:
    import tensorflow as tf

    class Doubled(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 2], name="x")])
        def double(self, x: Any) -> dict[str, Any]:
            return {"y": x * 2}

    module, source = Doubled(), tmp_path / "source"
    tf.saved_model.save(module, source / "saved_model", {"serving_default": module.double})
    details = {"load": "saved_model", "path": "saved_model"}
    details |= {"signature": "serving_default", "tags": ["serve"]}  # type: ignore[dict-item]
    (source / "source.json").write_text(json.dumps(details))
    with pytest.raises(PipelineError) as caught:
        prune.apply({**inputs(two_headed), "source": source}, SMALL, tmp_path)
    assert str(caught.value) == (
        "prune: only a Keras model can be trained further\n"
        "  use a Keras source (.keras, .h5, a Keras application), or leave prune out"
    )


def test_a_bare_number_is_the_sparsity() -> None:
    assert prune.Options.model_validate(0.7) == prune.Options(sparsity=0.7)
