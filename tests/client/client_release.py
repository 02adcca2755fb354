"""Releases of the bundled model, small enough to be built for every run of the tests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

ROOT = Path(__file__).parents[2]
BUNDLED = ROOT / "pipeline" / "bundled" / "mobilenet_digits.h5"
#: The layer that tells the classes apart, as h5 files name its weights.
HEAD = "conv_preds/conv_preds"


#: The runtimes that need no GPU.
BACKENDS = ("onnxruntime-cpu", "tfjs-wasm", "ort-wasm")


def config(source: dict[str, str], backends: Sequence[str] = BACKENDS) -> dict[str, Any]:
    """The default config with fewer variants and backends."""
    whole = yaml.safe_load((ROOT / "configs" / "mobilenet.yaml").read_text())
    return {
        **whole,
        "source": source,
        "variants": {name: whole["variants"][name] for name in ("fp32", "uint8")},
        "export": {
            "tfjs-graph": {},
            **{name: {"variants": ["fp32"]} for name in ("tfjs-layers", "onnx")},
        },
        "validate": {
            "backends": list(backends),
            "gates": {"default": {"top1_agreement": 0.98, "accuracy_drop": 0.01}},
        },
    }


@dataclass(frozen=True)
class Release:
    """A release in a CDN folder, which ``latest`` points to."""

    cdn: Path
    manifest: dict[str, Any]

    @property
    def model(self) -> Path:
        """The model's folder."""
        return self.cdn / str(self.manifest["name"])

    def artifact(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(a for a in self.manifest["artifacts"] if a["id"] == name)
        return found

    def urls(self, base: str, name: str) -> list[dict[str, Any]]:
        """What ``fetchFiles`` takes for an artifact; ``base`` is the CDN's address."""
        return [
            {"url": f"{base}/{self.manifest['name']}/{file['path']}",
             "sha256": file["sha256"], "bytes": file["bytes"]}
            for file in self.artifact(name)["files"]
        ]  # fmt: skip


class Command(Protocol):
    """Runs a command of the pipeline, given as words, and shows what it printed."""

    def __call__(self, *words: object) -> Any: ...


def apart(*words: object, package: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own.

    Args:
        package: the folder of another package than that of this repository.
    """
    # Before the installed one come what the variable names and, with -m, where the command runs.
    environment = {**os.environ, "PYTHONPATH": str(package)} if package else None
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli.main", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=package,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def publish(config: dict[str, Any], folder: Path, store: Path, command: Command = apart) -> Release:
    """Build and publish a config into ``folder/cdn``."""
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    to = f"publish.to={folder / 'cdn'}"
    done = command("build", file, "--store", store, "--set", to, "--json")
    return Release(folder / "cdn", json.loads(done.stdout)["manifest"])


def retrain_head(target: Path) -> Path:
    """A copy of the bundled model whose last layer has other weights, and much the same answers."""
    import h5py
    import numpy as np

    chance = np.random.default_rng(0)

    shutil.copyfile(BUNDLED, target)
    with h5py.File(target, "r+") as file:
        for values in file["model_weights"][HEAD].values():
            # Not only scaled: quantized weights would be the same, with another scale.
            values[...] += chance.normal(0, 0.1 * np.std(values), values.shape)
    return target
