"""Every layer of Keras 3, with its usual options."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.conformance.case import COUNT, Array, Case

#: Classes of ``keras.layers`` that are in no model file, and why.
NO_MODELS = {
    "Equalization": "gives back its own input tensor, of which Keras makes no model",
    "FlaxLayer": "runs JAX",
    "Input": "makes a tensor; InputLayer is the layer",
    "InputSpec": "describes an input",
    "JaxLayer": "runs JAX",
    "Layer": "is what layers are made of",
    "TFSMLayer": "runs a SavedModel beside the file",
    "TorchModuleWrapper": "runs PyTorch",
    "Wrapper": "is what wrappers are made of",
}

IMAGE, LINE, CUBE, ROW, WORDS = (8, 8, 3), (8, 3), (4, 4, 4, 2), (6,), (5,)


def cases() -> Iterator[Case]:
    """All of them."""
    for group in (
        _core,
        _activations,
        _convolutions,
        _pools,
        _shapes,
        _merges,
        _norms,
        _noise,
        _recurrent,
        _wrappers,
        _attention,
        _preprocessing,
        _augmentation,
        _text,
    ):
        yield from group()


def _one(
    layer: str,
    shape: tuple[int | None, ...],
    label: str = "",
    dtype: str = "float32",
    give: Callable[[Any], list[Array]] | None = None,
    **options: Any,
) -> Case:
    """A model of one layer, whose options are plain or functions that make them."""

    def build() -> Any:
        import keras

        made = {key: value() if callable(value) else value for key, value in options.items()}
        x = keras.Input(shape, dtype=dtype)
        return keras.Model(x, getattr(keras.layers, layer)(**made)(x))

    return Case(f"{layer} {label}".strip(), "layers", build, give, layer)


def _make(
    layer: str,
    label: str,
    build: Callable[[Any, Any], Any],
    give: Callable[[Any], list[Array]] | None = None,
) -> Case:
    """A model of a layer that needs more than options: ``build(keras, keras.layers)``."""

    def made() -> Any:
        import keras

        return build(keras, keras.layers)

    return Case(f"{layer} {label}".strip(), "layers", made, give, layer)


def _chain(layer: str, label: str, shape: tuple[int | None, ...], apply: Any, **more: Any) -> Case:
    """``apply(keras.layers, x)`` on an input."""

    def build(keras: Any, layers: Any) -> Any:
        x = keras.Input(shape, dtype=more.get("dtype", "float32"))
        return keras.Model(x, apply(layers, x))

    return _make(layer, label, build, more.get("give"))


def _core() -> Iterator[Case]:
    yield _one("Dense", ROW, units=4)
    yield _one("Dense", LINE, "of a sequence", units=4, use_bias=False)
    yield _one("Dense", ROW, "softmax", units=4, activation="softmax")
    for kind in ("mixed_float16", "mixed_bfloat16", "float16"):
        yield _chain("Dense", kind, ROW, _dense_of(kind))
    yield _chain("Dense", "float64", ROW, _dense_of("float64"), dtype="float64")
    yield _one("EinsumDense", LINE, equation="abc,cd->abd", output_shape=(None, 5), bias_axes="d")
    yield _one("EinsumDense", LINE, "heads", equation="abc,cde->abde", output_shape=(None, 2, 4))
    yield _one("Embedding", WORDS, dtype="int32", input_dim=10, output_dim=4)
    yield _one("Embedding", WORDS, "of floats", input_dim=10, output_dim=4, give=_words)
    yield _one("Embedding", WORDS, "of int64", dtype="int64", input_dim=10, output_dim=4)
    yield _chain("ReversibleEmbedding", "", WORDS, _reversible, dtype="int32")
    yield _one("Identity", ROW)
    yield _chain("InputLayer", "", ROW, lambda _, x: x * 2.0)
    yield _one("Activation", ROW, activation="relu")
    yield _chain("Lambda", "", ROW, lambda layers, x: layers.Lambda(lambda y: y * 2)(x))
    yield _one("ActivityRegularization", ROW, l2=0.1)
    yield _chain("Masking", "", LINE, lambda ls, x: ls.LSTM(4)(ls.Masking()(x)), give=_padded)


def _dense_of(kind: str) -> Any:
    return lambda ls, x: ls.Dense(4, dtype=kind)(x)


def _words(_: Any) -> list[Array]:
    return [np.random.default_rng(2).integers(0, 9, (COUNT, *WORDS)).astype(np.float32)]


def _padded(_: Any) -> list[Array]:
    """The ends of sequences are zeros, another number of them in each."""
    x = np.random.default_rng(2).normal(size=(COUNT, *LINE)).astype(np.float32)
    for row in range(COUNT):
        x[row, LINE[0] - 1 - row :] = 0
    return [x]


def _reversible(layers: Any, x: Any) -> Any:
    layer = layers.ReversibleEmbedding(10, 4)
    return layer(layer(x), reverse=True)


def _activations() -> Iterator[Case]:
    for name in ("ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax"):
        yield _one(name, IMAGE)
    yield _one("PReLU", IMAGE, "shared", shared_axes=[1, 2])
    yield _one("ReLU", ROW, "6, leaky", max_value=6.0, negative_slope=0.1, threshold=0.2)
    yield _one("Softmax", IMAGE, "axis 1", axis=1)
    named = "celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_tanh leaky_relu"
    named += " linear log_sigmoid log_softmax mish relu6 selu sigmoid silu soft_shrink softplus"
    named += " softsign sparse_plus sparse_sigmoid sparsemax squareplus swish tanh tanh_shrink"
    for name in named.split():
        yield _one("Activation", ROW, name, activation=name)
    yield _one("Activation", (3, 6), "softmax of a sequence", activation="softmax")


def _convolutions() -> Iterator[Case]:
    for rank, shape in ((1, (9, 3)), (2, (9, 9, 3)), (3, (5, 5, 5, 2))):
        name = f"Conv{rank}D"
        conv = {"filters": 4, "kernel_size": 3}
        yield _one(name, shape, **conv, activation="relu")
        yield _one(name, shape, "same", **conv, padding="same", use_bias=False)
        yield _one(name, shape, "same, strides 2", **conv, padding="same", strides=2)
        yield _one(name, shape, "dilated", **conv, padding="same", dilation_rate=2)
        turned = f"{name}Transpose"
        yield _one(turned, shape, **conv)
        yield _one(turned, shape, "same, strides 2", **conv, padding="same", strides=2)
    yield _one("Conv1D", (9, 3), "causal", filters=4, kernel_size=3, padding="causal")
    yield _one(
        *("Conv1D", (9, 3), "causal, dilated"),
        **{"filters": 4, "kernel_size": 2, "padding": "causal", "dilation_rate": 2},
    )
    yield _one("Conv1D", (9, 4), "grouped", filters=4, kernel_size=3, groups=2)
    yield _one("Conv2D", (9, 9, 4), "grouped", filters=4, kernel_size=3, groups=2)
    yield _one("Conv3D", (5, 5, 5, 4), "grouped", filters=4, kernel_size=3, groups=2)
    yield _one("Conv2D", (9, 9, 3), "strides over kernel", filters=4, kernel_size=1, strides=2)
    yield _one(
        *("Conv2D", (9, 9, 3), "same, strides over kernel"),
        **{"filters": 4, "kernel_size": 2, "strides": 3, "padding": "same"},
    )
    yield _one("Conv2D", (7, 9, 3), "oblong", filters=4, kernel_size=(3, 2), strides=(1, 2))
    yield _one("Conv2D", (None, None, 3), "of any size", filters=4, kernel_size=3, padding="same")
    for rank, shape in ((1, (9, 3)), (2, (9, 9, 3))):
        deep, apart = f"DepthwiseConv{rank}D", f"SeparableConv{rank}D"
        yield _one(deep, shape, kernel_size=3)
        yield _one(
            *(deep, shape, "same, strides 2, multiplier 2"),
            **{"kernel_size": 3, "padding": "same", "strides": 2, "depth_multiplier": 2},
        )
        yield _one(deep, shape, "dilated", kernel_size=3, padding="same", dilation_rate=2)
        yield _one(apart, shape, filters=4, kernel_size=3)
        yield _one(
            *(apart, shape, "same, strides 2, multiplier 2"),
            **{"filters": 4, "kernel_size": 3, "padding": "same"},
            **{"strides": 2, "depth_multiplier": 2},
        )


def _pools() -> Iterator[Case]:
    for rank, shape in ((1, (9, 3)), (2, (9, 9, 3)), (3, (5, 5, 5, 2))):
        for kind in ("Max", "Average"):
            yield _one(f"{kind}Pooling{rank}D", shape, pool_size=2)
            yield _one(
                *(f"{kind}Pooling{rank}D", shape, "same, strides 2"),
                **{"pool_size": 3, "strides": 2, "padding": "same"},
            )
            yield _one(f"Global{kind}Pooling{rank}D", shape)
            yield _one(f"Global{kind}Pooling{rank}D", shape, "keepdims", keepdims=True)
            yield _one(f"Adaptive{kind}Pooling{rank}D", shape, output_size=2)


def _shapes() -> Iterator[Case]:
    yield _one("Flatten", IMAGE)
    yield _one("Reshape", IMAGE, target_shape=(16, 12))
    yield _one("Reshape", IMAGE, "inferred", target_shape=(-1, 6))
    yield _one("Permute", IMAGE, dims=(3, 1, 2))
    yield _one("RepeatVector", ROW, n=3)
    for rank, shape in ((1, (8, 3)), (2, (8, 8, 3)), (3, (4, 4, 4, 2))):
        yield _one(f"Cropping{rank}D", shape, cropping=1)
        yield _one(f"ZeroPadding{rank}D", shape, padding=2)
        yield _one(f"UpSampling{rank}D", shape, size=2)
    yield _one("Cropping2D", IMAGE, "one side", cropping=((1, 0), (0, 2)))
    yield _one("ZeroPadding2D", IMAGE, "one side", padding=((1, 0), (0, 2)))
    for how in ("bilinear", "bicubic", "lanczos3", "lanczos5"):
        yield _one("UpSampling2D", IMAGE, how, size=2, interpolation=how)


def _merges() -> Iterator[Case]:
    for name in ("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract", "Concatenate"):
        yield _two(name, {}, IMAGE, IMAGE)
    yield _two("Add", {}, (8, 8, 3), (1, 1, 3), "broadcast")
    yield _two("Concatenate", {"axis": 1}, (2, 3), (4, 3), "axis 1")
    yield _two("Dot", {"axes": 1}, ROW, ROW)
    yield _two("Dot", {"axes": 2, "normalize": True}, LINE, LINE, "of sequences, normalized")


def _two(layer: str, options: Any, first: Any, second: Any, label: str = "") -> Case:
    def build(keras: Any, layers: Any) -> Any:
        pair = [keras.Input(first, name="first"), keras.Input(second, name="second")]
        return keras.Model(pair, getattr(layers, layer)(**options)(pair))

    return _make(layer, label, build)


def _norms() -> Iterator[Case]:
    for name in ("BatchNormalization", "LayerNormalization", "RMSNormalization"):
        yield _one(name, IMAGE)
    yield _one("BatchNormalization", LINE, "of a sequence, no scale", scale=False, center=False)
    yield _one("BatchNormalization", (3, 8, 8), "axis 1", axis=1)
    yield _one("LayerNormalization", IMAGE, "two axes", axis=[1, 2])
    yield _one("GroupNormalization", (8, 8, 4), groups=2)
    yield _one("GroupNormalization", (8, 8, 4), "of instances", groups=-1)
    yield _one("UnitNormalization", IMAGE)
    yield _chain(
        *("SpectralNormalization", "", IMAGE),
        lambda ls, x: ls.SpectralNormalization(ls.Conv2D(4, 3))(x),
    )


def _noise() -> Iterator[Case]:
    for name in ("AlphaDropout", "Dropout", "GaussianDropout"):
        yield _one(name, ROW, rate=0.5)
    yield _one("GaussianNoise", ROW, stddev=0.5)
    for rank, shape in ((1, LINE), (2, IMAGE), (3, CUBE)):
        yield _one(f"SpatialDropout{rank}D", shape, rate=0.5)


def _recurrent() -> Iterator[Case]:
    for name in ("LSTM", "GRU", "SimpleRNN"):
        yield _one(name, LINE, units=4)
        yield _one(name, LINE, "sequences", units=4, return_sequences=True)
        yield _one(name, LINE, "backwards", units=4, go_backwards=True, return_sequences=True)
        yield _one(name, LINE, "unrolled", units=4, unroll=True)
        yield _chain(name, "masked", WORDS, _masked(name), dtype="int32")
        yield _chain(name, "states", LINE, _with_states(name))
        yield _one(name, (None, 3), "of any length", units=4)
        yield _chain(name, "of a cell", LINE, _of_cell(name))
        yield _chain(f"{name}Cell", "", LINE, _of_cell(name, sequences=True))
    yield _one("LSTM", LINE, "relu, no bias", units=4, activation="relu", use_bias=False)
    yield _one("LSTM", LINE, "hard sigmoid", units=4, recurrent_activation="hard_sigmoid")
    yield _one("GRU", LINE, "reset before", units=4, reset_after=False)
    yield _one("LSTM", LINE, "dropout", units=4, dropout=0.2, recurrent_dropout=0.2)
    yield _make("LSTM", "stateful", _stateful)
    yield _chain("RNN", "", LINE, lambda ls, x: ls.RNN(ls.GRUCell(4))(x))
    yield _chain("StackedRNNCells", "", LINE, _stacked)
    yield _chain("LSTM", "stack", LINE, _stack)
    for rank, shape in ((1, (4, 6, 2)), (2, (4, 6, 6, 2)), (3, (3, 4, 4, 4, 1))):
        conv = {"filters": 2, "kernel_size": 3}
        yield _one(f"ConvLSTM{rank}D", shape, **conv)
        yield _one(
            *(f"ConvLSTM{rank}D", shape, "same, sequences"),
            **{**conv, "padding": "same", "return_sequences": True},
        )


def _masked(name: str) -> Any:
    return lambda ls, x: getattr(ls, name)(4)(ls.Embedding(10, 3, mask_zero=True)(x))


def _with_states(name: str) -> Any:
    return lambda ls, x: list(getattr(ls, name)(4, return_sequences=True, return_state=True)(x))


def _of_cell(name: str, *, sequences: bool = False) -> Any:
    return lambda ls, x: ls.RNN(getattr(ls, f"{name}Cell")(4), return_sequences=sequences)(x)


def _stateful(keras: Any, layers: Any) -> Any:
    x = keras.Input(batch_shape=(1, *LINE))
    return keras.Model(x, layers.LSTM(4, stateful=True)(x))


def _stacked(layers: Any, x: Any) -> Any:
    return layers.RNN(layers.StackedRNNCells([layers.LSTMCell(4), layers.LSTMCell(3)]))(x)


def _stack(layers: Any, x: Any) -> Any:
    return layers.LSTM(3)(layers.LSTM(4, return_sequences=True)(x))


def _wrappers() -> Iterator[Case]:
    for how in ("concat", "sum", "mul", "ave"):
        yield _chain("Bidirectional", how, LINE, _both(how))
    yield _chain("Bidirectional", "masked", WORDS, _both_masked, dtype="int32")
    yield _chain("Bidirectional", "of GRU, sequences", LINE, _both_gru)
    yield _chain("TimeDistributed", "Dense", LINE, _each(lambda ls: ls.Dense(4)))
    yield _chain(
        *("TimeDistributed", "Conv2D", (3, 6, 6, 2)), _each(lambda ls: ls.Conv2D(4, 3, strides=2))
    )


def _both(how: str) -> Any:
    return lambda ls, x: ls.Bidirectional(ls.LSTM(4), merge_mode=how)(x)


def _both_masked(layers: Any, x: Any) -> Any:
    return layers.Bidirectional(layers.LSTM(4))(layers.Embedding(10, 3, mask_zero=True)(x))


def _both_gru(layers: Any, x: Any) -> Any:
    return layers.Bidirectional(layers.GRU(4, return_sequences=True))(x)


def _each(inner: Any) -> Any:
    return lambda ls, x: ls.TimeDistributed(inner(ls))(x)


def _attention() -> Iterator[Case]:
    for name in ("Attention", "AdditiveAttention"):
        yield _chain(name, "", LINE, _attend(name))
        yield _chain(name, "causal", LINE, _attend(name, use_causal_mask=True))
        yield _chain(name, "masked", WORDS, _attend_masked(name), dtype="int32")
    yield _chain("MultiHeadAttention", "", LINE, _heads())
    yield _chain("MultiHeadAttention", "causal", LINE, _heads(use_causal_mask=True))
    yield _chain("MultiHeadAttention", "scores", LINE, _heads(return_attention_scores=True))
    yield _chain("MultiHeadAttention", "masked", WORDS, _heads_masked, dtype="int32")
    yield _chain("MultiHeadAttention", "two axes", (4, 4, 3), _heads_of_images)
    yield _chain("GroupQueryAttention", "", LINE, _grouped_heads)


def _attend(name: str, **options: Any) -> Any:
    return lambda ls, x: getattr(ls, name)()([x, x * 2.0], **options)


def _attend_masked(name: str) -> Any:
    def apply(layers: Any, x: Any) -> Any:
        words = layers.Embedding(10, 3, mask_zero=True)(x)
        return getattr(layers, name)()([words, words])

    return apply


def _heads(**options: Any) -> Any:
    def apply(layers: Any, x: Any) -> Any:
        answer = layers.MultiHeadAttention(2, 4)(x, x, **options)
        return list(answer) if isinstance(answer, tuple) else answer

    return apply


def _heads_masked(layers: Any, x: Any) -> Any:
    words = layers.Embedding(10, 3, mask_zero=True)(x)
    return layers.MultiHeadAttention(2, 4)(words, words)


def _heads_of_images(layers: Any, x: Any) -> Any:
    return layers.MultiHeadAttention(2, 4, attention_axes=(1, 2))(x, x)


def _grouped_heads(layers: Any, x: Any) -> Any:
    return layers.GroupQueryAttention(4, 4, 2)(x, x)


def _pixels(model: Any) -> list[Array]:
    """Images of 0 to 255."""
    shape = (COUNT, *(size or 8 for size in model.inputs[0].shape[1:]))
    return [np.random.default_rng(2).uniform(0, 255, shape).astype(np.float32)]


def _preprocessing() -> Iterator[Case]:
    yield _one("Rescaling", IMAGE, scale=1 / 127.5, offset=-1.0, give=_pixels)
    yield _one("Rescaling", IMAGE, "by channel", scale=[0.1, 0.2, 0.3], give=_pixels)
    yield _one("Normalization", IMAGE, mean=[1.0, 2.0, 3.0], variance=[1.0, 4.0, 9.0])
    yield _one("Normalization", ROW, "inverted", mean=1.0, variance=4.0, invert=True)
    for how in ("bilinear", "nearest", "bicubic", "lanczos3", "area"):
        yield _one("Resizing", IMAGE, how, height=5, width=12, interpolation=how)
    yield _one("Resizing", (9, 6, 3), "cropped", height=5, width=5, crop_to_aspect_ratio=True)
    yield _one("Resizing", (9, 6, 3), "padded", height=5, width=5, pad_to_aspect_ratio=True)
    yield _one("CenterCrop", IMAGE, height=4, width=5)
    yield _one("CenterCrop", IMAGE, "larger than the image", height=12, width=12)
    whole = {"dtype": "int32"}
    yield _one("CategoryEncoding", WORDS, **whole, num_tokens=8, output_mode="multi_hot")
    yield _one("CategoryEncoding", (1,), "one hot", **whole, num_tokens=8, output_mode="one_hot")
    yield _one("CategoryEncoding", WORDS, "count", **whole, num_tokens=8, output_mode="count")
    yield _one("Discretization", ROW, bin_boundaries=[-0.5, 0.0, 0.5])
    yield _one(
        *("Discretization", ROW, "one hot"),
        **{"bin_boundaries": [-0.5, 0.0, 0.5], "output_mode": "multi_hot"},
    )
    yield _one("Hashing", WORDS, **whole, num_bins=5)
    yield _two_hashed()
    yield _one("IntegerLookup", WORDS, **{"dtype": "int64"}, vocabulary=[2, 3, 5])
    yield _one(
        "STFTSpectrogram", (64, 1), mode="magnitude", frame_length=16, frame_step=8, fft_length=16
    )
    yield _one(
        "STFTSpectrogram", (64, 1), "log", mode="log", frame_length=16, frame_step=8, fft_length=16
    )
    yield _one(
        *("MelSpectrogram", (64,)),
        **{"fft_length": 16, "sequence_stride": 8, "num_mel_bins": 4, "sampling_rate": 100},
        **{"min_freq": 1.0, "max_freq": 50.0},
    )


def _two_hashed() -> Case:
    def build(keras: Any, layers: Any) -> Any:
        pair = [keras.Input((1,), dtype="int32", name=name) for name in ("first", "second")]
        return keras.Model(pair, layers.HashedCrossing(num_bins=9)(pair))

    return _make("HashedCrossing", "", build)


def _augmentation() -> Iterator[Case]:
    """None of them does anything but in training, some crop or scale all the same."""
    plain = "AugMix AutoContrast ContrastLimitedAdaptiveHistogramEqualization CutMix"
    plain += " MixUp RandAugment RandomColorJitter RandomElasticTransform"
    plain += " RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomInvert"
    plain += " RandomPerspective"
    for name in plain.split():
        yield _one(name, IMAGE, give=_pixels)
    for name in (
        "RandomBrightness",
        "RandomContrast",
        "RandomHue",
        "RandomPosterization",
        "RandomRotation",
    ):
        yield _one(name, IMAGE, give=_pixels, factor=4 if "Poster" in name else 0.2)
    for name in ("RandomColorDegeneration", "RandomSaturation", "RandomSharpness"):
        yield _one(name, IMAGE, give=_pixels, factor=0.2)
    yield _one("RandomCrop", IMAGE, give=_pixels, height=4, width=5)
    yield _one("RandomShear", IMAGE, give=_pixels, x_factor=0.2)
    yield _one("RandomTranslation", IMAGE, give=_pixels, height_factor=0.2, width_factor=0.2)
    yield _one("RandomZoom", IMAGE, give=_pixels, height_factor=0.2)
    yield _one("Solarization", IMAGE, give=_pixels)
    yield _one("MaxNumBoundingBoxes", IMAGE, give=_pixels, max_number=4)
    yield _chain(
        *("Pipeline", "", IMAGE),
        lambda ls, x: ls.Pipeline([ls.Rescaling(0.1), ls.RandomFlip()])(x),
        give=_pixels,
    )


def _text() -> Iterator[Case]:
    words = ["red", "green", "blue"]
    strings = {"dtype": "string", "give": lambda _: [np.array([["red"], ["blue"], ["grey"]])]}
    yield _one("StringLookup", (1,), **strings, vocabulary=words)
    yield _one("TextVectorization", (1,), **strings, vocabulary=words, output_sequence_length=3)
