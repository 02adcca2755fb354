from __future__ import annotations

import numpy as np
import pytest
from tflite_models import convert, interpret

from pipeline.artifacts.source_folder import SourceFolder
from pipeline.base.errors import SourceError
from pipeline.base.options import NoOptions
from pipeline.export import freeze
from pipeline.sources import cut, tflite
from pipeline.sources.load import load
from pipeline.validate import golden

RANDOM = np.random.default_rng(0)
# Smaller weights than of a thousand numbers are never stored as int8.
KERNEL = RANDOM.normal(0, 0.5, (3, 3, 3, 48)).astype(np.float32)
DEPTHWISE = RANDOM.normal(0, 0.5, (3, 3, 48, 1)).astype(np.float32)
DENSE = RANDOM.normal(0, 0.2, (48, 32)).astype(np.float32)
IMAGES = RANDOM.uniform(0, 1, (12, 16, 16, 3)).astype(np.float32)


def network(image):
    import tensorflow as tf

    features = tf.nn.relu6(tf.nn.conv2d(image, KERNEL, 2, "SAME") + 0.1)
    features = tf.nn.relu(tf.nn.depthwise_conv2d(features, DEPTHWISE, [1] * 4, "SAME"))
    logits = tf.reduce_mean(features, [1, 2]) @ DENSE
    return {"probs": tf.nn.softmax(logits), "logits": logits}


@pytest.fixture(scope="module")
def files():
    """How numbers are stored -> a file of the same model."""
    stored = ("float32", "float16", "dynamic", "int8", "uint8")
    samples = [image[None] for image in IMAGES]
    return {how: convert(network, {"image": [None, 16, 16, 3]}, how, samples) for how in stored}


def pulled(content, folder, **options):
    path = folder / "net.tflite"
    path.write_bytes(content)
    source = folder / "source"
    source.mkdir()
    tflite.pull({"path": path}, tflite.Options(path=path, **options), source)
    return source


def error_of(ours, wanted):
    return float(np.abs(ours - wanted).max() / np.abs(wanted).max())


#: How far the graph in float32 may be from the interpreter, as a share of the largest output. Where
#: weights are int8, the interpreter rounds activations too, to 8 bits.
ERRORS = {"float32": 1e-6, "float16": 1e-6, "dynamic": 0.03, "int8": 0.05, "uint8": 0.05}


@pytest.mark.parametrize("stored", ERRORS)
def test_it_gives_what_the_interpreter_gives(files, tmp_path, stored):
    source = pulled(files[stored], tmp_path)
    loaded = load(source)
    assert [(s.name, s.dtype, s.shape) for s in loaded.signature.inputs] == [
        ("image", "float32", (None, 16, 16, 3))
    ]
    ours = golden.run_in_tensorflow(loaded, {"image": IMAGES})
    assert {*ours} == {"probs", "logits"}
    names = [spec.name for spec in loaded.signature.outputs]
    wanted = dict(zip(names, interpret(files[stored], [IMAGES]), strict=True))
    assert max(error_of(ours[name], wanted[name]) for name in names) < ERRORS[stored]
    exact = golden.run_in_tensorflow(load(pulled_once(files, tmp_path)), {"image": IMAGES})
    # Nearer to the model that was trained than the interpreter is, where that rounds activations.
    limit = {"float32": 0.0, "float16": 2e-3}.get(stored, 0.02)
    assert all(error_of(ours[name], exact[name]) <= limit for name in names)


def pulled_once(files, folder):
    (folder / "exact").mkdir()
    return pulled(files["float32"], folder / "exact")


def test_the_interpreter_makes_the_golden_where_it_computes_in_float32(files, tmp_path):
    for stored in files:
        (tmp_path / stored).mkdir()
        loaded = load(pulled(files[stored], tmp_path / stored))
        if stored in ("float32", "float16"):
            assert loaded.reference.name.startswith("TFLite 2.")
            outputs = golden.run(loaded, {"image": IMAGES})
            wanted = interpret(files[stored], [IMAGES])
            for spec, array in zip(loaded.signature.outputs, wanted, strict=True):
                np.testing.assert_array_equal(outputs[spec.name], array)
        else:
            assert loaded.reference is None, stored


def test_weights_are_constants_of_the_frozen_graph(files, tmp_path):
    import tensorflow as tf

    source = pulled(files["float16"], tmp_path)
    frozen = tmp_path / "frozen"
    frozen.mkdir()
    freeze.freeze({"source": source}, NoOptions(), frozen)
    graph_def = tf.compat.v1.GraphDef.FromString((frozen / "frozen.pb").read_bytes())
    operators = [node.op for node in graph_def.node]
    assert operators.count("Conv2D") == operators.count("DepthwiseConv2dNative") == 1
    assert not {"Cast", "Dequantize", "Transpose", "Reshape"} & {*operators}


def test_operators_that_are_not_covered_are_all_named_and_may_be_cut_off(tmp_path):
    import tensorflow as tf

    def run(x):
        hidden = tf.nn.relu(x @ DENSE[:4], name="hidden")
        real = tf.signal.rfft2d(tf.stack([hidden, hidden], 1))
        return {"y": tf.abs(real), "z": tf.raw_ops.Bucketize(input=hidden, boundaries=[0.0, 1.0])}

    content = convert(run, {"x": [1, 4]})
    source = pulled(content, tmp_path)
    with pytest.raises(SourceError) as caught:
        load(source)
    assert str(caught.value).startswith("net.tflite: operators that cannot be converted: ")
    assert all(kind in str(caught.value) for kind in ("RFFT2D (", "COMPLEX_ABS (", "BUCKETIZE ("))
    assert "source.outputs" in str(caught.value)
    from pipeline.graphs.tflite.read import read

    model = read(content, "net.tflite")
    dense = next(node for node in model.operators if node.kind == "FULLY_CONNECTED")
    name = model.tensors[dense.outputs[0]].name
    part = tmp_path / "part"
    part.mkdir()
    cut.cut({"source": source}, cut.CutOptions(outputs={"hidden": name}), part)
    x = RANDOM.normal(0, 1, (1, 4)).astype(np.float32)
    loaded = load(part)
    assert loaded.reference.name.startswith("TFLite")
    outputs = golden.run(loaded, {"x": x})
    np.testing.assert_allclose(
        outputs["hidden"], golden.run_in_tensorflow(loaded, {"x": x})["hidden"], atol=1e-6
    )
    np.testing.assert_allclose(outputs["hidden"], np.maximum(x @ DENSE[:4], 0), atol=1e-6)


def test_a_signature_that_is_not_there_is_told(files, tmp_path):
    source = pulled(files["float32"], tmp_path, signature="train")
    with pytest.raises(SourceError, match="no signature 'train'; it has serving_default"):
        load(source)


@pytest.mark.parametrize("content", [b"", b"PK\3\4 a zip", b"\x1c\0\0\0TFL3" + bytes(100)])
def test_what_is_no_tflite_file_is_told(content, tmp_path):
    with pytest.raises(
        SourceError, match=r"net.tflite: this (is no TFLite|TFLite file is damaged)"
    ):
        load(pulled(content, tmp_path))


def test_a_folder_is_no_tflite_file(tmp_path):
    with pytest.raises(SourceError, match="this is no TFLite file"):
        tflite.pull({"path": tmp_path}, tflite.Options(path=tmp_path), tmp_path)
    assert not (tmp_path / SourceFolder.DESCRIPTION).exists()
