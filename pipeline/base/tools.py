"""The distributions whose versions decide what is made, and which are installed."""

from __future__ import annotations

import importlib.metadata
from functools import cache

#: This package: its next version may make other files of the same inputs.
OURSELVES = "model-pipeline"

#: What turns a source into artifacts, and proves them; named in every manifest.
TOOLS = (
    OURSELVES,
    "tensorflow",
    "tf-keras",
    "keras",
    "tensorflowjs",
    "tensorflow-model-optimization",
    "tf2onnx",
    "onnx",
    "onnxruntime",
    "numpy",
)


@cache
def version(distribution: str) -> str | None:
    """The installed version, or ``None``; nothing of the distribution is imported."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
