"""A student is smaller, answers under the same names, and really learns from its teacher."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nightly import nightly
from sources_to_train import inputs, load, write_samples, write_source

from pipeline.artifacts.samples_folder import SamplesFolder
from pipeline.artifacts.source_folder import SourceFolder
from pipeline.base.errors import PipelineError
from pipeline.engine.step import on_progress
from pipeline.optimize import distill
from pipeline.optimize.contract import ModelInputs
from pipeline.optimize.training import augment, outputs, teaching
from pipeline.optimize.training.examples import Examples
from pipeline.samples.folder import Split
from tools import train_digits as train

EPOCHS = 4
SHALLOW = distill.Options(depth=4, resolution=32, finetune_epochs=EPOCHS, batch_size=32)
NOISE = np.random.default_rng(0).uniform(0, 255, (24, 16, 12, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def notes() -> list[tuple[float, str]]:
    """What the distillation of the digits reported."""
    return []


@pytest.fixture(scope="module")
def student(
    digits_root: Path, tmp_path_factory: pytest.TempPathFactory, notes: list[tuple[float, str]]
) -> Path:
    """The bundled MobileNet distilled, in a SOURCE folder."""
    work = tmp_path_factory.mktemp("student")
    on_progress(lambda part, note: notes.append((part, note)))
    try:
        distill.apply(inputs(digits_root), SHALLOW, work)
    finally:
        on_progress(lambda part, note: None)
    return work


def test_a_student_is_another_network_behind_the_same_signature(
    student: Path, digits_root: Path
) -> None:
    before, after = load(digits_root / "source"), load(student)
    assert (after.input_names, after.output_names) == (before.input_names, before.output_names)
    assert (after.input_shape, after.output_shape) == (before.input_shape, before.output_shape)
    told = json.loads((student / "distill.json").read_text())
    assert told["parameters"] == [221_114, after.count_params()]
    assert after.count_params() < 221_114 / 10


def test_a_student_has_learnt_within_a_few_epochs(student: Path) -> None:
    test = train.examples("test")
    answers = load(student)(test.inputs[0]).numpy()
    assert (answers.argmax(axis=1) == test.targets[0]).mean() > 0.93


def test_progress_tells_loss_and_accuracy(student: Path, notes: list[tuple[float, str]]) -> None:
    parts = [part for part, _ in notes]
    assert parts == sorted(parts)
    assert (parts[-1], len(set(parts))) == (1.0, EPOCHS * (1293 // 32))
    assert notes[-1][1].startswith(f"epoch {EPOCHS}/{EPOCHS} held back: loss ")
    assert notes[-1][1].endswith("%")


@pytest.mark.parametrize("within", [True, nightly(False)])
def test_a_student_of_the_teachers_size_starts_as_the_teacher(
    digits_root: Path, within: bool
) -> None:
    teacher = load(digits_root / "source")
    if within:
        import tf_keras

        image = tf_keras.Input((64, 64, 3), name="image")
        teacher = tf_keras.Model(image, teacher(image))
    student, taken = distill.build(teacher, distill.Options())
    scores = f"{teacher.output_names[0]}_scores"
    assert {"conv1", "conv_dw_13_bn", scores} <= set(taken)
    images = train.examples("test").inputs[0][:8]
    np.testing.assert_allclose(student(images), teacher(images), atol=1e-5)


def test_a_narrower_student_takes_the_channels_that_give_most(digits_root: Path) -> None:
    teacher = load(digits_root / "source")
    first = teacher.get_layer("conv_pw_1")
    kernel = first.kernel.numpy()
    kernel[..., 1::2] *= 1e-3
    first.kernel.assign(kernel)
    student, taken = distill.build(teacher, distill.Options(alpha=0.125))
    assert len(taken) == len([layer for layer in student.layers if layer.weights])
    np.testing.assert_array_equal(
        student.get_layer("conv_dw_2").depthwise_kernel.numpy(),
        teacher.get_layer("conv_dw_2").depthwise_kernel.numpy()[:, :, 0::2],
    )


def test_a_wider_student_starts_by_chance(digits_root: Path) -> None:
    teacher = load(digits_root / "source")
    student, taken = distill.build(teacher, distill.Options(alpha=0.5, depth=3))
    assert taken == []
    assert student.get_layer("conv_pw_2").filters == 64


def logits_of_pixels() -> Any:
    """A classifier that is no MobileNet, of pixels from 0 to 255, with logits."""
    import tf_keras

    tf_keras.utils.set_random_seed(0)
    pixels = tf_keras.Input((16, 12, 1), name="pixels")
    x = tf_keras.layers.Rescaling(1 / 255)(pixels)
    x = tf_keras.layers.Conv2D(4, 3, activation="relu")(x)
    x = tf_keras.layers.Flatten()(x)
    return tf_keras.Model(pixels, tf_keras.layers.Dense(3, name="logits")(x))


def test_any_classifier_teaches_without_labels_and_in_the_same_bytes(tmp_path: Path) -> None:
    write_source(logits_of_pixels(), tmp_path / "source")
    write_samples(tmp_path / "samples", Split({"pixels": NOISE}, None))
    options = distill.Options(depth=2, resolution=8, finetune_epochs=2, batch_size=8, augment=1)
    for name in ("once", "twice"):
        (tmp_path / name).mkdir()
        distill.apply(inputs(tmp_path), options, tmp_path / name)
    model = load(tmp_path / "once")
    assert (model.input_names, model.output_names) == (["pixels"], ["logits"])
    assert model(NOISE).numpy().shape == (24, 3)
    for name in ("model.h5", "distill.json", "source.json"):
        assert (tmp_path / "once" / name).read_bytes() == (tmp_path / "twice" / name).read_bytes()


@pytest.mark.parametrize("batch", [1, nightly(None)])
def test_a_graph_teaches_as_its_layers_did(batch: int | None, tmp_path: Path) -> None:
    import tensorflow as tf
    import tf_keras

    model = logits_of_pixels()
    answer = tf_keras.layers.Softmax()(model.outputs[0])
    model = tf_keras.Model(model.inputs, answer)

    class Served(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([batch, 16, 12, 1], name="pixels")])
        def serve(self, pixels: Any) -> dict[str, Any]:
            return {"classes": model(pixels)}

    served, source = Served(), tmp_path / "source"
    served.model = model
    tf.saved_model.save(served, source / "saved_model", {"serving_default": served.serve})
    details = {"load": "saved_model", "path": "saved_model", "signature": "serving_default"}
    (source / "source.json").write_text(json.dumps(details | {"tags": ["serve"]}))
    write_samples(tmp_path / "samples", Split({"pixels": NOISE}, None))
    options = distill.Options(depth=2, resolution=8, finetune_epochs=1, batch_size=8)
    samples = SamplesFolder(tmp_path / "samples")
    given = ModelInputs(SourceFolder(source), SourceFolder(source), samples)
    lesson = teaching.read_lesson(given, options, "distill", by_graphs=True)
    given = np.concatenate([part.targets[0] for part in (lesson.train, lesson.watch)])
    wanted = np.concatenate(
        [model(part.inputs[0]).numpy() for part in (lesson.train, lesson.watch)]
    )
    np.testing.assert_allclose(given, wanted, atol=1e-6)
    (tmp_path / "student").mkdir()
    distill.apply(inputs(tmp_path), options, tmp_path / "student")
    student = load(tmp_path / "student")
    assert (student.input_names, student.output_names) == (["pixels"], ["classes"])
    # It gives probabilities, as the graph does.
    assert outputs.is_softmax(student)
    told = json.loads((tmp_path / "student" / "distill.json").read_text())
    assert told["parameters"] == [model.count_params(), student.count_params()]
    assert told["from_source"] == []


def two_images() -> Any:
    import tf_keras

    images = [tf_keras.Input((8, 8, 3), name=name) for name in ("left", "right")]
    pooled = tf_keras.layers.GlobalAveragePooling2D()(tf_keras.layers.Add()(images))
    return tf_keras.Model(images, pooled)


def a_vector() -> Any:
    import tf_keras

    vector = tf_keras.Input(4, name="vector")
    return tf_keras.Model(vector, tf_keras.layers.Dense(2)(vector))


def any_size() -> Any:
    import tf_keras

    image = tf_keras.Input((None, None, 3), name="image")
    return tf_keras.Model(image, tf_keras.layers.GlobalAveragePooling2D()(image))


def an_image_of_an_image() -> Any:
    import tf_keras

    image = tf_keras.Input((8, 8, 3), name="image")
    return tf_keras.Model(image, tf_keras.layers.Conv2D(3, 1)(image))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (two_images, r"the model has 2 inputs \(left, right\)"),
        (a_vector, r"the model's input \(None, 4\) is no image"),
        (any_size, "the model takes images of any size"),
        (an_image_of_an_image, "the model does not give one score per class"),
    ],
)
def test_what_a_mobilenet_cannot_stand_in_for_is_said(make: Any, message: str) -> None:
    with pytest.raises(PipelineError, match=message) as caught:
        distill.build(make(), distill.Options())
    assert caught.value.todo.startswith("distill a classifier of images of one size")


def test_a_resolution_that_does_not_fit_is_said() -> None:
    with pytest.raises(PipelineError, match="images of 16x12 cannot be made 5 pixels") as caught:
        distill.build(logits_of_pixels(), distill.Options(resolution=5))
    assert caught.value.todo == "choose one of 16, 8, 4"


def test_images_are_moved_as_much_as_asked() -> None:
    same = augment.move_images(NOISE, np.random.default_rng(0), strength=0)
    np.testing.assert_allclose(same, NOISE, atol=1e-3)
    slope = np.broadcast_to(np.arange(100, dtype=np.float32)[:, None, None], (40, 100, 100, 1))
    once, again = (augment.move_images(slope, np.random.default_rng(1)) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    middles = once[:, 50, 50, 0]
    assert 4 < np.abs(middles - 50).max() < 100 * augment.SHIFT + 2
    assert (once.min(), once.max()) >= (0, 90), "the edge is repeated"


def test_only_images_are_moved() -> None:
    numbers = np.arange(len(NOISE))[:, None]
    move = augment.mover(1.0, Examples((numbers, NOISE), (), "teacher"))
    assert move is not None
    same, moved = move((numbers, NOISE), np.random.default_rng(0))
    np.testing.assert_array_equal(same, numbers)
    np.testing.assert_array_equal(moved, augment.move_images(NOISE, np.random.default_rng(0)))
    no_image = Examples((numbers,), (), "teacher")
    assert augment.mover(0.0, no_image) is None
    with pytest.raises(PipelineError, match=r"a sample is \[1\]") as caught:
        augment.mover(0.5, no_image)
    assert caught.value.todo == "leave augment out"
