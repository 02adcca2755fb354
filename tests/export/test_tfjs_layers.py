"""Layers models that really load in TF.js, in Node, and compute what Keras does."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.artifacts.frozen import Frozen
from pipeline.base.errors import PipelineError
from pipeline.base.options import NoOptions
from pipeline.export import tfjs_layers
from pipeline.export.tfjs_layers.config import layers_model
from pipeline.optimize import channels, distill
from pipeline.optimize.training.examples import Examples
from pipeline.sources import keras_file, saved_model
from pipeline.sources.load import load

NO_EXAMPLES = Examples((np.zeros((1, 1)),), (np.zeros((1, 1)),), "teacher")
MODULES = Path(__file__).parents[2] / "pipeline/backends/web/node_modules"

in_tfjs = pytest.mark.skipif(
    not (MODULES / "@tensorflow/tfjs").is_dir() or shutil.which("node") is None,
    reason="needs Node and the packages of pipeline/backends/web (npm ci there)",
)


def randomize(model: Any) -> None:
    random = np.random.default_rng(0)
    model.set_weights(
        [
            random.uniform(0.5, 1.5, w.shape) if w.ndim == 1 else random.normal(0, 0.2, w.shape)
            for w in model.get_weights()
        ]
    )


def converted(model: Any, folder: Path, suffix: str = "keras") -> Path:
    """Save a Keras model, pull and convert it; of its frozen graph only the signature is read."""
    from tensorflow.core.framework.graph_pb2 import GraphDef

    folder.mkdir()
    file = folder / f"model.{suffix}"
    model.save(file)
    source, frozen, result = (folder / name for name in ("source", "frozen", "result"))
    for made in (source, frozen, result):
        made.mkdir()
    keras_file.pull({"path": file}, keras_file.Options(path=file), source)
    Frozen(frozen).write(GraphDef(), load(source).signature, parameters=0)
    inputs = {"source": source, "frozen": frozen}
    tfjs_layers.convert(inputs, NoOptions(), result)
    return result


def compare(models: dict[str, tuple[Any, Path, str | None]], tmp: Path) -> dict[str, Any]:
    """Run each model in Keras and in TF.js on the same inputs; one Node process for all."""
    random = np.random.default_rng(1)
    jobs, expected = [], {}
    for name, (model, folder, cut) in models.items():
        arrays = [
            random.integers(0, 5, (2, *tensor.shape[1:])).astype("float32")
            if "ids" in tensor.name
            else random.normal(size=(2, *tensor.shape[1:])).astype("float32")
            for tensor in model.inputs
        ]
        if name == "masked":  # Steps that a mask skips.
            for array in arrays:
                array[1, 3:] = 0
        # Not predict(), which would trace each model once more.
        out = model(arrays[0] if len(arrays) == 1 else arrays, training=False)
        expected[name] = [np.asarray(one) for one in (out if isinstance(out, list) else [out])]
        inputs = [
            {"shape": a.shape, "dtype": "float32", "data": a.ravel().tolist()} for a in arrays
        ]
        jobs.append({"folder": str(folder), "inputs": inputs, "cut": cut})
    (tmp / "jobs.json").write_text(json.dumps(jobs))
    script = Path(__file__).with_name("load_layers.mjs")
    done = subprocess.run(
        ["node", script, MODULES, tmp / "jobs.json"], capture_output=True, text=True, check=True
    )
    results = dict(zip(models, json.loads(done.stdout.splitlines()[-1]), strict=True))
    for name, result in results.items():
        assert "error" not in result, f"{name}: {result['error']}"
        for output, array in zip(result["outputs"], expected[name], strict=True):
            found = np.array(output["data"], "float32").reshape(output["shape"])
            assert np.ptp(array) > 0, name
            bound = 1e-4 * max(1.0, float(np.abs(array).max()))
            np.testing.assert_allclose(found, array, atol=bound, err_msg=name)
    return results


Build = Callable[[Any], Any]


def mobilenet(keras: Any) -> Any:
    return keras.applications.MobileNet((32, 32, 3), 0.25, weights=None, classes=5)


def mobilenet_v2(keras: Any) -> Any:
    return keras.applications.MobileNetV2((32, 32, 3), 0.35, weights=None, classes=5)


def mobilenet_v3(keras: Any) -> Any:
    return keras.applications.MobileNetV3Small(
        (32, 32, 3), 0.75, weights=None, classes=5, classifier_activation=None
    )


def zoo(keras: Any) -> Any:
    """Two inputs, two outputs, a model inside called twice, and layers that are rewritten."""
    layers = keras.layers
    image, vector = keras.Input((8, 8, 2), name="image"), keras.Input((4,), name="vec_tor")
    x = layers.SeparableConv2D(4, 3, activation="gelu", depthwise_regularizer="l2")(image)
    x = layers.SpatialDropout2D(0.5)(layers.UpSampling2D()(layers.ZeroPadding2D()(x)))
    x = layers.ReLU(negative_slope=0.1)(layers.LayerNormalization()(x))
    x = layers.Conv2D(4, 2, kernel_initializer="lecun_normal", activation="silu")(x)
    flat = layers.Flatten()(layers.GlobalMaxPooling2D(keepdims=True, name="pooled")(x))
    inner = keras.Sequential(
        [keras.Input((4,)), layers.Dense(4, activation="swish", name="in_ner_dense")], name="in_ner"
    )
    left, right = inner(flat), inner(vector)
    total = layers.Add(name="total")([left, right])
    gate = layers.Softmax()(layers.PReLU()(total))
    out = layers.Dense(3, name="out_1")(layers.Concatenate()([gate, layers.ELU()(right)]))
    return keras.Model([image, vector], [out, total])


def sequence(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((6, 3)),
            layers.Conv1D(4, 2, padding="same", activation="relu6"),
            layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
            layers.TimeDistributed(layers.Dense(4, activation="tanh")),
            layers.GRU(3, reset_after=False, return_sequences=True),
            layers.SimpleRNN(3, return_sequences=True),
            layers.GlobalAveragePooling1D(keepdims=True),
        ]
    )


def arithmetic(keras: Any) -> Any:
    inputs = keras.Input((4,))
    x = keras.layers.Dense(4, name="before")(inputs)
    return keras.Model(inputs, keras.layers.Dense(2)((x * 2.0 - 1.0) / 3.0 + x))


def augmented(keras: Any) -> Any:
    """As the Keras tutorials make a classifier: what augments images does nothing in inference."""
    layers = keras.layers
    augment = [layers.RandomFlip("horizontal"), layers.RandomRotation(0.1), layers.RandomZoom(0.1)]
    augment += [layers.RandomTranslation(0.1, 0.1), layers.RandomContrast(0.1)]
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.Sequential([*augment, layers.RandomBrightness(0.1)], name="augment"),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )


def strided(keras: Any) -> Any:
    """Strides over the kernel with padding "same": nothing to pad, or one side of one axis."""
    layers, image = keras.layers, keras.Input((12, 13, 2))
    convolved = [
        layers.Conv2D(3, 3, strides=4, padding="same", name="nothing")(image),
        layers.DepthwiseConv2D(3, strides=6, padding="same", name="one_axis")(image),
        layers.SeparableConv2D(3, 2, strides=4, padding="same", name="both")(image),
    ]
    return keras.Model(image, layers.Concatenate()([layers.Flatten()(x) for x in convolved]))


def masked(keras: Any) -> Any:
    """Masks of an embedding and of values, through layers that hand them on."""
    layers = keras.layers
    ids, values = keras.Input((6,), name="ids"), keras.Input((6, 3), name="values")
    counts = layers.CategoryEncoding(num_tokens=6, output_mode="count")(ids)
    x = layers.Embedding(5, 4, mask_zero=True)(ids)
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(layers.Dropout(0.2)(x))
    x = layers.LSTM(3, return_sequences=True)(layers.Dense(4, activation="tanh")(x))
    y = layers.GRU(3, reset_after=False)(layers.Masking()(values))
    return keras.Model([ids, values], [layers.SimpleRNN(2)(x), y, counts])


def gated(keras: Any) -> Any:
    """Hard sigmoids of Keras 3 as gates, and activations that neither library has by name."""
    layers, inputs = keras.layers, keras.Input((5, 3))
    x = layers.LSTM(4, recurrent_activation="hard_sigmoid", return_sequences=True)(inputs)
    gru = layers.GRU(
        3, recurrent_activation="hard_sigmoid", reset_after=False, return_sequences=True
    )
    x = layers.Bidirectional(gru)(x)
    for activation in ("hard_sigmoid", "hard_silu", "leaky_relu", "log_sigmoid", "hard_tanh"):
        x = layers.Dense(6, activation=activation)(x)
    shrunk = [layers.Dense(6, activation=f"{how}_shrink")(x) for how in ("hard", "soft", "tanh")]
    x = layers.RMSNormalization()(layers.Add()(shrunk))
    x = layers.AdaptiveMaxPooling1D(5)(layers.SpectralNormalization(layers.Dense(6))(x))
    sparse = [layers.Activation(name)(x) for name in ("glu", "sparse_plus", "sparse_sigmoid")]
    return keras.Model(inputs, layers.Concatenate()(sparse))


def attending(keras: Any) -> Any:
    """Two heads over the model's own steps, and one that reads others."""
    layers = keras.layers
    inputs, memory = keras.Input((5, 6)), keras.Input((3, 4))
    x = layers.LayerNormalization()(inputs)
    x = layers.Add()([x, layers.MultiHeadAttention(2, 3)(x, x)])
    crossed = layers.MultiHeadAttention(1, 4, value_dim=2, use_bias=False)(x, memory)
    return keras.Model([inputs, memory], layers.Dense(2)(crossed))


def resized(keras: Any) -> Any:
    """Images of other sizes, and pixels normalized by channel, by one number, and back."""
    layers = keras.layers
    inputs = keras.Input((9, 12, 3))
    x = layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 3.0])(inputs)
    x = layers.Rescaling([1.0, 0.5, 2.0], offset=[0.0, 0.1, 0.2])(layers.Resizing(6, 8)(x))
    x = layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 5.0, 6.0], invert=True)(x)
    x = layers.UpSampling2D(2, interpolation="bilinear")(layers.CenterCrop(5, 6)(x))
    x = layers.Normalization(axis=None, mean=0.5, variance=2.0)(x)
    x = layers.Resizing(7, 4, interpolation="bicubic", crop_to_aspect_ratio=True)(x)
    return keras.Model(inputs, layers.Conv2D(2, 2)(layers.CenterCrop(8, 4)(x)))


def stepped(keras: Any) -> Any:
    """What TF.js has for images alone, of sequences, and sizes left open by a -1."""
    layers, inputs = keras.layers, keras.Input((8, 3))
    x = layers.Conv1D(4, 2, padding="causal", dilation_rate=2, activation="relu")(inputs)
    y = layers.UpSampling1D(2)(layers.Cropping1D((2, 2))(layers.ZeroPadding1D((1, 3))(x)))
    y = layers.Reshape((-1, 4))(layers.AveragePooling1D(2)(y))
    x = layers.Subtract()([layers.Conv1D(4, 3, padding="same")(x), layers.Dense(4)(x)])
    x = layers.Dot(2)([x, layers.ZeroPadding1D(1)(y)])
    return keras.Model(inputs, layers.Dense(2)(layers.Flatten()(layers.Permute((2, 1))(x))))


def spatial(keras: Any) -> Any:
    """Volumes and films."""
    layers, inputs = keras.layers, keras.Input((4, 6, 6, 2))
    x = layers.ConvLSTM2D(3, 3, return_sequences=True, padding="same")(inputs)
    line = layers.Reshape((4, 12, 9))(x)
    line = layers.ConvLSTM1D(2, 3, strides=2, padding="same", return_sequences=True)(line)
    x = layers.BatchNormalization()(layers.Conv3D(4, 2, groups=1, activation="relu")(x))
    x = layers.MaxPooling3D((1, 2, 2), padding="same")(layers.ZeroPadding3D((0, 1, 2))(x))
    x = layers.Conv3DTranspose(2, 2, strides=2)(layers.Cropping3D(((0, 1), (1, 0), (0, 0)))(x))
    x = layers.UpSampling3D((1, 2, 1))(layers.LayerNormalization()(x))
    pooled = [layers.GlobalMaxPooling3D()(x), layers.GlobalAveragePooling3D()(x)]
    y = layers.Concatenate()(
        [layers.Flatten()(layers.AveragePooling3D(2)(x)), layers.Flatten()(line)]
    )
    y = layers.Dense(2)(y)
    return keras.Model(inputs, layers.Concatenate()([y, *pooled]))


def rewritten(keras: Any) -> Any:
    """Options that TF.js ignores, throws at, or has on some backends only."""
    layers, image = keras.layers, keras.Input((9, 8, 4))
    x = layers.Conv2D(6, 3, groups=2, padding="same", name="grouped")(image)
    x = layers.BatchNormalization(axis=1)(x)
    x = layers.DepthwiseConv2D(3, dilation_rate=2, padding="same", depth_multiplier=2)(x)
    x = layers.GroupNormalization(3)(layers.Softmax(axis=1)(x))
    x = layers.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.2)(layers.ELU(alpha=0.5)(x))
    x = layers.UnitNormalization()(layers.ActivityRegularization(l2=0.1)(x))
    x = layers.EinsumDense("abcd,def->abfce", (9, 3, 8, 2), bias_axes="fe")(x)
    return keras.Model(image, layers.Dense(2)(layers.Flatten()(x)))


def lines(keras: Any) -> Any:
    """Sequences, in layers that TF.js has for images, and recurrent cells."""
    layers, inputs = keras.layers, keras.Input((9, 4))
    x = layers.Conv1D(4, 2, groups=2, padding="causal")(inputs)
    x = layers.SeparableConv1D(4, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Conv1DTranspose(3, 3, strides=2, padding="same")(x)
    x = layers.DepthwiseConv1D(2, dilation_rate=2, depth_multiplier=2)(x)
    cells = [layers.LSTMCell(4), layers.GRUCell(3, reset_after=False)]
    x = layers.RNN(layers.StackedRNNCells(cells), return_sequences=True, go_backwards=True)(x)
    x = layers.TimeDistributed(layers.ReLU(negative_slope=0.2))(x)
    x = layers.Attention(use_scale=True)([x, layers.Dense(3)(x)], use_causal_mask=True)
    y = layers.MultiHeadAttention(2, 3)(x, x, use_causal_mask=True)
    return keras.Model(inputs, [layers.AdditiveAttention()([y, x]), y])


BOTH = (masked, attending, resized, stepped, spatial, rewritten, lines)

#: Layers of most kinds, in one library or the other; nightly all of them in both.
LOADED = [
    (
        "keras",
        (sequence, masked, attending, resized, spatial, rewritten, lines, augmented, stepped),
    ),
    ("tf_keras", (zoo, arithmetic)),
    pytest.param("keras", (zoo, strided, gated), marks=pytest.mark.nightly),
    pytest.param("keras", (mobilenet, mobilenet_v2, mobilenet_v3), marks=pytest.mark.nightly),
    pytest.param(
        "tf_keras",
        (mobilenet, mobilenet_v2, mobilenet_v3, sequence, augmented, *BOTH),
        marks=pytest.mark.nightly,
    ),
]


@in_tfjs
@pytest.mark.parametrize(("library", "builders"), LOADED)
def test_models_load_in_tfjs_and_agree(
    library: str, builders: tuple[Build, ...], tmp_path: Path
) -> None:
    keras = pytest.importorskip(library)
    models = {}
    for build in builders:
        model = build(keras)
        assert tfjs_layers.known_to_lack(json.loads(model.to_json())) is None
        randomize(model)
        folder = converted(model, tmp_path / build.__name__)
        cut = "conv_pw_13_relu" if build is mobilenet else None
        models[build.__name__] = (model, folder, cut)
    results = compare(models, tmp_path)
    assert mobilenet not in builders or results["mobilenet"]["cut"] == [2, 1, 1, 256]


def test_tfjs_wasm_pads_nothing_by_itself(tmp_path: Path) -> None:
    """It computes zeros where SAME would pad less than nothing."""
    import keras

    model = json.loads((converted(strided(keras), tmp_path / "m") / "model.json").read_text())
    layers = model["modelTopology"]["model_config"]["config"]["layers"]
    padded = {layer["name"]: layer["config"].get("padding") for layer in layers}
    assert padded["nothing"] == padded["one_axis"] == padded["both"] == "valid"
    assert padded["one_axis_pad"] == [[0, 0], [1, 1]]


@in_tfjs
@pytest.mark.nightly  # they have the layers of zoo, and of what they are made of
def test_smaller_networks_made_of_a_model_load_in_tfjs(tmp_path: Path) -> None:
    import tf_keras

    source = mobilenet(tf_keras)
    student, _ = distill.build(source, distill.Options(depth=4, resolution=16))
    narrow, _ = channels.remove(source, NO_EXAMPLES, channels.Options(share=0.3, importance="l1"))
    models = {}
    for name, model in {"student": student, "narrow": narrow}.items():
        randomize(model)
        # Cut at a layer by its name, as for transfer learning.
        cut = [layer.name for layer in model.layers if layer.name.endswith("_relu")][-1]
        models[name] = (model, converted(model, tmp_path / name, "h5"), cut)
    results = compare(models, tmp_path)
    for name, (model, _, cut) in models.items():
        assert results[name]["cut"] == [2, *model.get_layer(cut).output.shape[1:]]


def test_model_without_keras_layers_is_refused(tmp_path: Path) -> None:
    import tensorflow as tf

    module = tf.Module()
    module.f = tf.function(lambda x: {"y": x + 1.0}, input_signature=[tf.TensorSpec((None, 2))])
    tf.saved_model.save(module, tmp_path / "saved", signatures=module.f)
    source = tmp_path / "source"
    source.mkdir()
    options = saved_model.Options(path=tmp_path / "saved")
    saved_model.pull({"path": tmp_path / "saved"}, options, source)
    with pytest.raises(PipelineError, match="this source has no Keras layers"):
        tfjs_layers.convert({"source": source, "frozen": source}, NoOptions(), tmp_path)
    assert not (tmp_path / "model.json").exists()


#: Layer -> why TF.js cannot hold it; plans say so too, but where only a build can tell.
REFUSED: dict[str, tuple[Build, str, bool]] = {
    "gru": (lambda k: k.layers.GRU(2, name="bad"), "reset_after=False only", True),
    "lacking": (lambda k: k.layers.Discretization([0.5], name="bad"), "has no such layer", True),
    "activation": (lambda k: k.layers.Dense(2, "exponential", name="bad"), "no such act", False),
    "norm": (
        lambda k: k.layers.BatchNormalization(axis=[1, 2], name="bad"),
        "it has more than one axis",
        False,
    ),
    "dilated": (
        lambda k: k.layers.Conv2DTranspose(2, 2, dilation_rate=2, name="bad"),
        "dilation_rate=[2, 2], and TF.js ignores dilation_rate",
        True,
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_layers_that_tfjs_would_compute_otherwise_are_refused(case: str) -> None:
    import keras
    import tf_keras

    make, message, planned = REFUSED[case]
    inputs = tf_keras.Input((4, 4) if case == "gru" else (4, 4, 4))
    model = tf_keras.Model(inputs, make(tf_keras)(inputs))
    with pytest.raises(PipelineError) as error:
        layers_model(model)
    assert "layer 'bad'" in str(error.value)
    assert message in str(error.value)
    assert "tfjs-graph holds the model" in str(error.value)
    # The file says so too, whichever Keras wrote it, also of a model in a model.
    models = [model]
    if case != "norm":  # tf_keras alone has norms along several axes.
        inner = keras.Sequential([keras.Input(inputs.shape[1:]), make(keras)])
        models.append(keras.Sequential([keras.Input(inputs.shape[1:]), inner]))
    for saved in models:
        known = tfjs_layers.known_to_lack(json.loads(saved.to_json()))
        assert str(known) == (str(error.value) if planned else "None")
