"""Every name of a signature is kept, or what it became is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nightly import nightly
from source_models import Made, check_everywhere, make

from pipeline.artifacts.frozen import Frozen
from pipeline.plan.notes import changes

pytestmark = pytest.mark.browser


def first_tensorflow(folder: Path) -> Path:
    """A SavedModel as TensorFlow 1 wrote it, whose keys are no names of Python or TensorFlow."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        inputs = [v1.placeholder(tf.float32, [None, 4], name=f"p{i}") for i in range(4)]
        weight = v1.get_variable("w", [4, 3], initializer=v1.glorot_uniform_initializer(1))
        a, b, c, d = inputs
        outputs = [tf.matmul(a, weight), b * 2.0, c + 1.0, d - a]
        session.run(v1.global_variables_initializer())
        info = v1.saved_model.build_tensor_info
        signature = v1.saved_model.build_signature_def(
            dict(zip(["lambda", "1st", "in put", "x:0"], map(info, inputs), strict=True)),
            dict(zip(["class", "1st output", "größe", "a/b"], map(info, outputs), strict=True)),
        )
        builder = v1.saved_model.Builder(str(folder))
        builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
        builder.save()
    return folder


def of_dict(library: Any, file: Path) -> Path:
    """Outputs as a dict, one of them in another, whose keys are not the layers' names."""
    library.utils.set_random_seed(1)
    layers = library.layers
    a, b = library.Input((4,), name="class"), library.Input((4,), name="second")
    x = layers.Concatenate()([a, b])
    named = {"top": layers.Dense(2, name="pooled")(x), "in": {"er": layers.Dense(3)(x)}}
    library.Model([a, b], {**named, "0": layers.Dense(5, name="abc")(x)}).save(file)
    return file


def odd_layers(file: Path) -> Path:
    """Names that Keras 3 takes and TensorFlow does not, also of a model inside and of inputs."""
    import keras

    keras.utils.set_random_seed(1)
    age, size = keras.Input((4,), name="user age"), keras.Input((4,), name="größe")
    inner = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3, name="é")], name="in ner")
    x = inner(keras.layers.Concatenate(name="a:b")([age, size]))
    keras.Model([age, size], keras.layers.Dense(2, name="y hat")(x)).save(file)
    return file


def renamed(made: Made) -> dict[str, str | None]:
    signature = made.signature
    return {spec.name: spec.renamed_from for spec in (*signature.inputs, *signature.outputs)}


def feeds(made: Made) -> dict[str, Any]:
    random = np.random.default_rng(0)
    return {
        spec.name: random.normal(size=(2, 4)).astype(np.float32) for spec in made.signature.inputs
    }


def test_keys_of_tensorflow_1(tmp_path: Path) -> None:
    made = make(first_tensorflow(tmp_path / "saved"), tmp_path)
    names = {"lambda": None, "1st": None, "in_put": "in put", "x_0": "x:0"}
    names |= {"class": None, "1st_output": "1st output", "gr_e": "größe", "a_b": "a/b"}
    assert renamed(made) == names
    facts = json.loads((made.frozen / Frozen.FACTS).read_text())
    notes = list(changes(facts | {"dtypes": ["float64"]}, made.signature))
    assert notes[0].startswith("source: float64 becomes float32")
    assert "source: input 'in put' is called 'in_put'" in notes
    assert "source: output 'größe' is called 'gr_e'" in notes
    assert len(notes) == 6
    given = feeds(made)
    found = check_everywhere(made, given)
    np.testing.assert_allclose(found["1st_output"], given["1st"] * 2)
    np.testing.assert_allclose(found["gr_e"], given["in_put"] + 1)
    np.testing.assert_allclose(found["a_b"], given["x_0"] - given["lambda"])


@pytest.mark.parametrize("library", ["keras", nightly("tf_keras")])
def test_outputs_of_a_dict_have_its_keys(library: str, tmp_path: Path) -> None:
    file = of_dict(pytest.importorskip(library), tmp_path / "model.keras")
    made = make(file, tmp_path)
    assert renamed(made) == {
        **{"class": None, "second": None},
        **{"0": None, "in_er": "in/er", "top": None},
    }
    found = check_everywhere(made, feeds(made))
    assert {name: value.shape[1] for name, value in found.items()} == {"0": 5, "in_er": 3, "top": 2}


def test_layers_have_names_that_tensorflow_takes(tmp_path: Path) -> None:
    made = make(odd_layers(tmp_path / "model.keras"), tmp_path)
    assert renamed(made) == {"user_age": "user age", "gr_e": "größe", "y_hat": "y hat"}
    layers = Frozen(made.frozen).renamed_layers
    assert layers == {
        **{"user age": "user_age", "größe": "gr_e", "in ner": "in_ner"},
        **{"a:b": "a_b", "é": "tensor", "y hat": "y_hat"},
    }
    check_everywhere(made, feeds(made))
