"""Source and samples folders for techniques that train, and what they wrote."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from classes import PURPOSE, truth_of

from pipeline.samples import folder
from pipeline.samples.folder import Split
from tools import train_digits as train


def write_source(model: Any, path: Path) -> None:
    path.mkdir()
    model.save(path / "model.h5", save_format="h5", include_optimizer=False)
    (path / "source.json").write_text(json.dumps({"load": "keras_file", "path": "model.h5"}))


def write_samples(path: Path, split: Split) -> None:
    """The same samples to learn from and to judge by."""
    path.mkdir()
    folder.write(path, dict.fromkeys(folder.SPLITS, split), description="for a test", task=PURPOSE)


def write_digits(root: Path) -> None:
    """Make ``source``, the bundled MobileNet, and ``samples``, its handwritten digits."""
    (root / "source").mkdir()
    shutil.copy(train.HERE / "mobilenet_digits.h5", root / "source" / "model.h5")
    (root / "source" / "source.json").write_text('{"load": "keras_file", "path": "model.h5"}')
    splits = {}
    for name in folder.SPLITS:
        examples = train.examples(name)
        splits[name] = Split({"image": examples.inputs[0]}, truth_of(examples.targets[0]))
    (root / "samples").mkdir()
    folder.write(root / "samples", splits, description="digits", task=PURPOSE)


def inputs(root: Path) -> dict[str, Path]:
    return {"source": root / "source", "teacher": root / "source", "samples": root / "samples"}


def load(path: Path) -> Any:
    import tf_keras

    return tf_keras.models.load_model(path / "model.h5", compile=False)
