"""MobileNets at 224 pixels with random weights, and batch-norm statistics then set from data.

Trained weights cannot always be had. Without statistics from data the activations of a random
network fade out from layer to layer; with them each layer's are as in a trained one.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
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
    """A SOURCE folder of one of ``NAMES``, whose output is logits; and ``samples`` in it.

    The same every time on the same kind of processor.
    """
    from pipeline.optimize.finetune import reproducible, save

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


def samples(folder: Path) -> Path:
    """A SAMPLES folder with the images of both splits."""
    from pipeline.samples import folder as samples_folder

    if not (folder / "samples.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        splits = {split: samples_folder.Split({"image": images(split)}) for split in SAMPLES}
        samples_folder.write(folder, splits, description=f"made up at random, seed {SEED}")
    return folder


def images(split: str) -> NDArray[np.float32]:
    """Seeded images with structure, [n, 224, 224, 3] from -1 to 1: as ``samples.random`` makes."""
    import numpy as np

    from pipeline.samples.random import _image

    chance = np.random.default_rng([SEED, list(SAMPLES).index(split)])
    shape = (SIZE, SIZE, 3)
    return np.stack([_image(shape, 2, -1.0, 1.0, chance) for _ in range(SAMPLES[split])])


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


@dataclass(frozen=True)
class Compared:
    """One network in uint8: the peer's artifact and ours."""

    name: str
    peer_bytes: int
    """Of all files after brotli."""
    our_bytes: int
    peer_db: float
    """Signal to noise of the logits on the test images, by ``validate.parity``."""
    our_db: float


#: What users write: ``variants: {small: {equalize: {}, round: 7, quantize: uint8}}``.
BITS, CODEC = 7.0, "uint8"


def compare(name: str, folder: Path) -> Compared:
    """Make both artifacts in ``folder`` and run them in TensorFlow."""
    from pipeline.export.freeze import FreezeOptions, freeze, run
    from pipeline.model import Signature

    source = make(name, folder / "source")
    frozen = _step(freeze, folder / "frozen", FreezeOptions(), source=source)
    ours = _ours(frozen, samples(folder / "samples"), folder)
    signature = Signature.read(frozen / "signature.json")
    peer = _peer(source, signature, folder)
    seen = {"image": images("test")}
    wanted = run(frozen, seen)
    measured = [(_bytes(one), _db(one, seen, wanted)) for one in (peer, ours)]
    (peer_bytes, peer_db), (our_bytes, our_db) = measured
    return Compared(name, peer_bytes, our_bytes, peer_db, our_db)


def _step(step: Any, work: Path, options: Any, **inputs: Path) -> Path:
    work.mkdir(parents=True)
    step(inputs, options, work)
    return work


def _ours(frozen: Path, seen: Path, folder: Path) -> Path:
    from pipeline.export import tfjs_graph
    from pipeline.optimize import equalize
    from pipeline.optimize import round as rounding

    even = _step(equalize.apply, folder / "even", equalize.Options(), frozen=frozen)
    chosen = rounding.Options(bits=BITS)
    rounded = _step(rounding.apply, folder / "rounded", chosen, frozen=even, samples=seen)
    plain = tfjs_graph.ConvertOptions()
    converted = _step(tfjs_graph.convert, folder / "converted", plain, frozen=rounded)
    type_ = tfjs_graph.package.options_type
    packing = type_(format="tfjs-graph", variant="ours", shard_bytes=4 * 2**20, codec=CODEC)
    return _step(tfjs_graph.package, folder / "ours", packing, model=converted)


def _peer(source: Path, signature: Any, folder: Path) -> Path:
    import tensorflow as tf
    import tf_keras

    from tests.benchmarks import peer_artifacts

    network = tf_keras.models.load_model(source / "model.h5", compile=False)
    (end,) = signature.outputs

    @tf.function(input_signature=[tf.TensorSpec([None, SIZE, SIZE, 3], tf.float32, "image")])
    def serve(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {end.name: network(image, training=False)}

    tf.saved_model.save(network, folder / "saved", signatures={"serving_default": serve})
    return peer_artifacts.tfjs(folder / "saved", signature, folder / "peer", "--quantize_uint8=*")


def _bytes(artifact: Path) -> int:
    from tests.benchmarks import peer_artifacts

    return peer_artifacts.wire_bytes(artifact)


def _db(artifact: Path, seen: Any, wanted: Any) -> float:
    from pipeline.backends import tensorflow as backend
    from pipeline.validate import parity

    _unfuse(artifact)
    with backend.open_session(artifact) as session:
        outputs = session.infer(seen)
    (name,) = wanted
    return float(parity._snr_db(abs(outputs[name] - wanted[name]).astype(float), wanted[name]))


def _unfuse(artifact: Path) -> None:
    """Let TensorFlow run it, after its bytes were counted: the peer's converter fuses hard-swish
    into convolutions (``_FusedHardSwish``), which neither TensorFlow's kernels nor TF.js know."""
    import tensorflow as tf
    from google.protobuf.json_format import MessageToDict, ParseDict

    from pipeline.export import artifact as artifacts
    from pipeline.export.tfjs_unfuse import unfuse

    entry = artifact / artifacts.read(artifact)["entry"]
    model = json.loads(entry.read_text())
    graph = ParseDict(model["modelTopology"], tf.compat.v1.GraphDef())
    unfuse(graph)
    model["modelTopology"] = MessageToDict(graph)
    entry.chmod(0o644)
    entry.write_text(json.dumps(model))


if __name__ == "__main__":
    import tempfile

    for chosen in sys.argv[1:] or NAMES:
        with tempfile.TemporaryDirectory() as made:
            print(compare(chosen, Path(made)), flush=True)
