"""NumPy is imported by the first use of it, not by the modules that name it."""

from __future__ import annotations

import subprocess
import sys

import numpy
import pytest

from pipeline.tensors.arrays import np

SCRIPT = """
import sys
from pipeline.tensors.arrays import np
from pipeline.weights import codec
print("numpy" in sys.modules)
print(np.zeros(2).tolist(), "numpy" in sys.modules)
"""


def test_it_is_imported_by_its_first_use() -> None:
    command = [sys.executable, "-c", SCRIPT]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == "False\n[0.0, 0.0] True\n"


def test_it_is_numpy_itself() -> None:
    assert np.ndarray is numpy.ndarray
    assert isinstance(np.float32(1), numpy.floating)
    with pytest.raises(AttributeError, match="numpy' has no attribute 'ndaray'"):
        _ = np.ndaray  # type: ignore[attr-defined]


EVERY_MODULE = """
import importlib, pkgutil, sys
import pipeline
for module in pkgutil.walk_packages(pipeline.__path__, "pipeline."):
    if ".scripts" not in module.name and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(*({"keras", "numpy", "onnx", "onnxruntime", "tensorflow"} & {*sys.modules}))
"""


def test_importing_the_whole_package_imports_nothing_heavy() -> None:
    command = [sys.executable, "-c", EVERY_MODULE]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == "\n"
