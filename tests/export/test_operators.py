from __future__ import annotations

import json

import frozen_models
import pytest

from pipeline.base.errors import PipelineError
from pipeline.export import operators
from pipeline.tensors.signature import TensorSpec

BOTH = operators.CheckOptions(formats=["tfjs-graph", "tfjs-layers", "onnx"])
MATRIX = [TensorSpec("x", "float32", (2, 2))]


def check(function, work, options=BOTH, inputs=MATRIX):
    frozen = frozen_models.freeze(function, inputs, work / "frozen")
    operators.check({"frozen": frozen}, options, work)
    return json.loads((work / "operators.json").read_text())


def test_counts_are_written_where_all_is_known(tmp_path):
    import tensorflow as tf

    assert check(lambda x: {"y": tf.nn.relu(tf.nn.relu(x))}, tmp_path) == {
        "Identity": 1,
        "Placeholder": 1,
        "Relu": 2,
    }


def test_every_missing_operator_is_named_with_its_places(tmp_path):
    import tensorflow as tf

    def model(x):
        for i in range(5):
            x = tf.linalg.inv(x, name=f"inverse{i}")
        return {
            "y": tf.linalg.det(x, name="det"),
            "z": tf.reverse_sequence(x, [1, 2], 1, 0, name="turned"),
        }

    with pytest.raises(PipelineError) as caught:
        check(model, tmp_path)
    assert str(caught.value) == (
        "3 operators of the model cannot be exported:\n"
        "  tfjs-graph has no MatrixDeterminant: at det\n"
        "  tfjs-graph has no MatrixInverse: at inverse0, inverse1, inverse2 and 2 more\n"
        "  tfjs-graph has no ReverseSequence: at turned\n"
        "  onnx has no MatrixInverse: at inverse0, inverse1, inverse2 and 2 more\n"
        "  change the model at these places, or leave tfjs-graph or onnx out of export"
    )


def test_only_the_formats_asked_for_count(tmp_path):
    import tensorflow as tf

    options = operators.CheckOptions(formats=["onnx"])
    assert "Softsign" in check(lambda x: {"y": tf.math.softsign(x)}, tmp_path, options)


def test_bodies_of_loops_are_searched(tmp_path):
    import tensorflow as tf

    def model(x):
        body = lambda i, v: (i + 1, tf.linalg.inv(v, name="inside"))  # noqa: E731
        return {"y": tf.while_loop(lambda i, _: i < tf.cast(x[0, 0], tf.int32), body, (0, x))[1]}

    with pytest.raises(PipelineError, match=r"onnx has no MatrixInverse: at \w+/while/inside"):
        check(model, tmp_path)


def test_constants_and_checks_are_no_error(tmp_path):
    import tensorflow as tf

    def model(x):
        constant = tf.linalg.inv(tf.linalg.inv(tf.constant([[1.0, 2.0], [3.0, 4.0]])))
        with tf.control_dependencies([tf.debugging.assert_positive(x)]):
            x = tf.debugging.check_numerics(tf.identity(x), "bad")
        return {"y": tf.stop_gradient(x) + constant}

    assert "MatrixInverse" not in check(model, tmp_path)


def test_strings_are_advised_to_stay_outside(tmp_path):
    import tensorflow as tf

    with pytest.raises(PipelineError, match=r"has no StringLength: at length .turn strings into"):
        check(
            lambda s: {"y": tf.strings.length(s, name="length")},
            tmp_path,
            inputs=[TensorSpec("s", "string", (None,))],
        )


def test_the_error_names_the_cut_in_front(tmp_path):
    import tensorflow as tf

    def model(x):
        doubled = tf.multiply(x, 2.0, name="doubled")
        text = tf.strings.as_string(doubled, name="text")
        return {"length": tf.strings.length(text), "sum": tf.reduce_sum(doubled, -1)}

    with pytest.raises(PipelineError) as caught:
        check(model, tmp_path)
    assert 'cut it in front of them with source.outputs: ["sum", "doubled"],' in caught.value.todo


def test_no_cut_makes_an_output_of_strings(tmp_path):
    import tensorflow as tf

    def model(x):
        text = tf.strings.as_string(tf.multiply(x, 2.0, name="doubled"), name="text")
        return {"y": tf.strings.to_hash_bucket_fast(text, 9)}

    with pytest.raises(PipelineError) as caught:
        check(model, tmp_path, operators.CheckOptions(formats=["onnx"]))
    assert 'source.outputs: ["doubled"],' in caught.value.todo


def test_no_cut_is_named_where_the_input_itself_is_read(tmp_path):
    import tensorflow as tf

    with pytest.raises(PipelineError) as caught:
        check(lambda x: {"y": tf.strings.length(tf.strings.as_string(x))}, tmp_path)
    assert "source.outputs" not in caught.value.todo
