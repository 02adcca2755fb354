"""The converter imports without what it does not use, and pretends to nobody else."""

from __future__ import annotations

import os
import subprocess
import sys

IMPORT = """
import sys
from pipeline.export.tfjs_graph.guard import UNUSED, import_converter
converter = import_converter()
assert converter is import_converter()
assert converter.optimize_graph and converter.write_weights and converter.fold_batch_norms
print([name for name in (*UNUSED, "tensorflowjs", "jax", "tf_keras") if name in sys.modules])
"""


def test_the_converter_imports_alone_and_leaves_no_stand_in() -> None:
    # Which tensorflow-model-optimization sets in the process that imports it, as other tests do.
    environment = {key: value for key, value in os.environ.items() if "LEGACY_KERAS" not in key}
    command = [sys.executable, "-c", IMPORT]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert shown.stdout.strip() == "[]"
