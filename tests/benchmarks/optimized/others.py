"""8-bit weights of models that are hard to quantize: ours beside the peer's.

The hard digits reader has channels of very different ranges; the MobileNets at 224 pixels have
random weights, so that only the noise that 8 bits add to their logits says how good they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.tensors.signature import Signature, TensorSpec
from tests.benchmarks import hard_model, nets224, peer_artifacts
from tests.benchmarks.optimized.row import PEER_TFJS, Row, measured, published
from tests.client.client_release import Release, publish

#: What a user writes who wants 8 bits and nothing lost.
RECIPE: Mapping[str, Any] = {"equalize": {}, "round": 7, "quantize": "uint8"}


def hard(folder: Path, digits: Mapping[str, Any], signature: Signature) -> list[Row]:
    """The hard digits reader, by accuracy.

    Args:
        digits: the bundled model's config, for its samples and preprocessing.
        signature: the bundled model's.
    """
    file = hard_model.source() / "model.h5"
    folder.mkdir()
    saved = peer_artifacts.saved_model(file, folder / "saved")
    peer = peer_artifacts.tfjs(saved, signature, folder / "peer", "--quantize_uint8=*")
    shared = {key: digits[key] for key in ("task", "samples", "input", "labels")}
    release = publish(_config("hard-digits", file, shared), folder, folder / "store")
    model = "hard digits reader"
    return [
        measured(peer, model, PEER_TFJS),
        *(published(release, model, f"tfjs-graph/{name}") for name in ("fp32", "uint8")),
    ]


def net(name: str, folder: Path) -> list[Row]:
    """One of ``nets224.NAMES``, by the signal-to-noise ratio of its logits in dB."""
    source = nets224.make(name, nets224.CACHE / name)
    file, model = source / "model.h5", f"MobileNet {name} 224"
    folder.mkdir()
    config = _config(f"mobilenet-{name}", file, _samples(folder))
    release = publish(config, folder, folder / "store")
    saved = peer_artifacts.saved_model(file, folder / "saved")
    peer = peer_artifacts.tfjs(saved, _signature(release), folder / "peer", "--quantize_uint8=*")
    # Counted first: to be run in TensorFlow, it is changed.
    size = peer_artifacts.wire_bytes(peer)
    ours = [_by_noise(release, model, f"tfjs-graph/{one}") for one in ("fp32", "uint8")]
    return [Row(model, PEER_TFJS, size, nets224.noise_db(peer, source), "dB"), *ours]


def _config(name: str, file: Path, more: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "license": "Apache-2.0",
        "source": {"keras_file": str(file)},
        **more,
        "variants": {"fp32": {}, "uint8": dict(RECIPE)},
        "export": {"tfjs-graph": {}},
        # Whatever comes of it is wanted in the table.
        "validate": {"backends": ["tfjs-wasm"], "gates": {"default": {"relative_error": 0.99}}},
        # As the peers' files are compressed.
        "publish": {"compress": "best"},
    }


def _samples(folder: Path) -> dict[str, Any]:
    images = {split: nets224.images(split) for split in nets224.SAMPLES}
    names = [split for split, values in images.items() for _ in values]
    np.savez(folder / "samples.npz", image=np.concatenate([*images.values()]), split=names)
    return {"samples": {"npz": str(folder / "samples.npz")}}


def _signature(release: Release) -> Signature:
    sides = (
        tuple(
            TensorSpec(one["name"], one["dtype"], tuple(one["shape"]))
            for one in release.manifest[side]
        )
        for side in ("inputs", "outputs")
    )
    return Signature(*sides)


def _by_noise(release: Release, model: str, name: str) -> Row:
    one = release.artifact(name)
    (proof,) = one["validation"]
    plain = name.endswith("/fp32")
    return Row(model, name, one["br_bytes"], proof["parity"]["snr_db"], "dB", plain, ours=True)
