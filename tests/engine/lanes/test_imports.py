"""A process of steps imports less, and has nothing less."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from nightly import nightly

SCRIPT = """
import gc, json, sys
from pipeline.engine.lanes import imports

imports.tensorflow()
early = [name for name in ("keras",) if name in sys.modules]
seen = {"early": early, "frozen": gc.get_freeze_count(), "on": gc.isenabled()}
import tensorflow as tf

if sys.argv[1] == "tfmot":
    import tensorflow_model_optimization as tfmot
    import tf_keras

    layers = [tf_keras.layers.Dense(2, input_shape=(3,))]
    model = tfmot.sparsity.keras.prune_low_magnitude(tf_keras.Sequential(layers))
else:
    library = __import__(sys.argv[1]) if sys.argv[1] != "tf.keras" else tf.keras
    model = library.Sequential([library.Input((3,)), library.layers.Dense(2)])
    model.compile(library.optimizers.Adam(), "mse")
    model.fit(tf.ones((4, 3)), tf.ones((4, 2)), verbose=0)
print(json.dumps(seen | {"shape": list(model(tf.ones((4, 3))).shape)}))
"""


def run(library: str) -> dict[str, object]:
    words = [sys.executable, "-c", SCRIPT, library]
    env = {name: value for name, value in os.environ.items() if name != "TF_USE_LEGACY_KERAS"}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    seen: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return seen


#: TensorFlow's own name is another way to what ``keras`` imports; what trains takes the others
#: (../../optimize/test_qat.py).
LIBRARIES = ["keras", *map(nightly, ("tf.keras", "tf_keras", "tfmot"))]


@pytest.mark.parametrize("library", LIBRARIES)
def test_keras_is_imported_by_those_who_use_it(library: str) -> None:
    seen = run(library)
    assert seen["shape"] == [4, 2]
    assert seen["early"] == []
    assert seen["on"] is True
    assert isinstance(seen["frozen"], int) and seen["frozen"] > 100_000


def test_a_keras_that_the_environment_asks_for_is_whole(tmp_path: Path) -> None:
    """TensorFlow then imports tf_keras with itself; it must not miss h5py for ever after."""
    script = (
        "import sys; from pipeline.engine.lanes import imports; imports.tensorflow(); "
        "import tf_keras; "
        "made = tf_keras.Sequential([tf_keras.layers.Dense(2, input_shape=(3,))]); "
        "made.save(sys.argv[1]); print(len(tf_keras.models.load_model(sys.argv[1]).layers))"
    )
    words = [sys.executable, "-c", script, str(tmp_path / "model.h5")]
    env = {**os.environ, "TF_USE_LEGACY_KERAS": "1"}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1"]


def test_tools_are_imported_where_they_are_modules_by_their_name() -> None:
    script = (
        "import sys; from pipeline.engine.lanes import imports; "
        "imports.light({'onnx', 'tf-keras'}); "
        "print('onnx' in sys.modules, 'numpy' in sys.modules, 'tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True
    )
    assert done.stdout.split() == ["True", "True", "False"]
