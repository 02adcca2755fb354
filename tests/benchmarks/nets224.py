"""MobileNets at 224 pixels with random weights, and batch-norm statistics then set from data.

Trained weights cannot always be had. Without statistics from data the activations of a random
network fade out from layer to layer; with them each layer's are as in a trained one.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAMES = ("v1", "v2", "v3-small")
SIZE = 224
SEED = 0

#: Samples in each split: the statistics are set from calibration.
SAMPLES = {"calibration": 32, "test": 32}

CACHE = Path(__file__).parents[2] / "artifacts" / "bench" / "nets224"


def make(name: str, folder: Path) -> Path:
    """A SOURCE folder of one of ``NAMES``, whose output is logits.

    The same every time on the same kind of processor.
    """
    from pipeline.optimize.training.finetune import reproducible, save

    if not (folder / "source.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        with reproducible(SEED):
            model = _network(name)
            _set_statistics(model, images("calibration"))
        aside = folder / f"model.{os.getpid()}.h5"
        save(model, aside)
        aside.rename(folder / "model.h5")
        details = {"load": "keras_file", "path": "model.h5"}
        (folder / "source.json").write_text(json.dumps(details, sort_keys=True))
    return folder


def images(split: str) -> NDArray[np.float32]:
    """Seeded images with structure, [n, 224, 224, 3] from -1 to 1: as ``samples.random`` makes."""
    import numpy as np

    from pipeline.samples.random import _image

    chance = np.random.default_rng([SEED, list(SAMPLES).index(split)])
    shape = (SIZE, SIZE, 3)
    levels = np.stack([_image(shape, 2, chance) for _ in range(SAMPLES[split])])
    return levels * np.float32(2 / 255) - np.float32(1)


def _network(name: str) -> Any:
    import tf_keras

    applications = tf_keras.applications
    made = {
        "v1": applications.MobileNet,
        "v2": applications.MobileNetV2,
        "v3-small": applications.MobileNetV3Small,
    }[name]
    image = tf_keras.Input((SIZE, SIZE, 3), name="image")
    options: dict[str, Any] = {"include_preprocessing": False} if name == "v3-small" else {}
    return made(
        weights=None, input_tensor=image, classifier_activation=None, classes=1000, **options
    )


def _set_statistics(model: Any, seen: NDArray[np.float32]) -> None:
    """Set every batch norm's mean and variance to those of its inputs, in order.

    In training mode each norm's outputs are as they will be with these statistics, so that
    one pass sets all.
    """
    import tf_keras

    norms = [x for x in model.layers if isinstance(x, tf_keras.layers.BatchNormalization)]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    model(seen, training=True)
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum


def noise_db(artifact: Path, source: Path) -> float:
    """Signal to noise of an artifact's logits on the test images, in TensorFlow.

    Args:
        artifact: what the peer's converter made; it is changed so that TensorFlow can run it.
        source: from ``make``.
    """
    import tf_keras

    from pipeline.backends.tensorflow import BACKEND
    from pipeline.measures.parity import compare

    _unfuse(artifact)
    seen = images("test")
    network = tf_keras.models.load_model(source / "model.h5", compile=False)
    wanted = network.predict(seen, batch_size=8, verbose=0)
    with BACKEND.open_session(artifact) as session:
        ((name, found),) = session.infer({"image": seen}).items()
    noise: float = compare({name: found}, {name: wanted}, {})["snr_db"]
    return noise


def _unfuse(artifact: Path) -> None:
    """Let TensorFlow run it, after its bytes were counted: the peer's converter fuses hard-swish
    into convolutions (``_FusedHardSwish``), which neither TensorFlow's kernels nor TF.js know."""
    import tensorflow as tf
    from google.protobuf.json_format import MessageToDict, ParseDict

    from pipeline.artifacts.artifact import ArtifactFolder
    from pipeline.export.tfjs_graph.unfuse import unfuse

    entry = ArtifactFolder(artifact).entry
    model = json.loads(entry.read_text())
    graph = ParseDict(model["modelTopology"], tf.compat.v1.GraphDef())
    unfuse(graph)
    model["modelTopology"] = MessageToDict(graph)
    entry.chmod(0o644)
    entry.write_text(json.dumps(model))
