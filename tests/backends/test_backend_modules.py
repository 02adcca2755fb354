"""What every backend must have, whichever it is."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pipeline.backends.targets import backends
from pipeline.backends.web.engine import engines

BACKENDS = backends()
ENGINES = engines()
FORMATS = {"tfjs-graph", "tfjs-layers", "onnx"}
HEAVY = ("numpy", "onnxruntime", "playwright", "tensorflow")


def test_the_backends_of_the_main_job_are_there() -> None:
    assert {"onnxruntime-cpu", "tfjs-cpu", "tfjs-wasm", "tfjs-webgl"} <= set(BACKENDS)


@pytest.mark.parametrize("name", BACKENDS)
def test_contract(name: str) -> None:
    backend = BACKENDS[name]
    assert backend.name == name
    assert backend.formats and set(backend.formats) <= FORMATS
    assert backend.engines and set(backend.engines) <= {None, *ENGINES}
    in_page = None not in backend.engines
    assert bool(backend.lane) != in_page
    assert bool(backend.runtime) == in_page
    for engine in backend.engines:
        assert backend.unavailable(engine) is None or backend.unavailable(engine)


def test_importing_all_backends_loads_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from pipeline.backends.targets import backends\n"
        "backends()\n"
        f"print([name for name in {HEAVY} if name in sys.modules])\n"
    )
    command = [sys.executable, "-c", script]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
