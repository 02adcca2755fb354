"""What every backend must have, whichever it is."""

from __future__ import annotations

import inspect
import subprocess
import sys
from types import ModuleType

import pytest

from pipeline.base.registry import discover

BACKENDS = discover("backends", "open_session")
ENGINES = discover("backends.web.engines", "start")
FORMATS = {"tfjs-graph", "tfjs-layers", "onnx"}
HEAVY = ("numpy", "onnxruntime", "playwright", "tensorflow")


def test_the_backends_of_the_main_job_are_there() -> None:
    assert {"onnxruntime-cpu", "tfjs-cpu", "tfjs-wasm", "tfjs-webgl"} <= set(BACKENDS)


@pytest.mark.parametrize("backend", BACKENDS.values(), ids=BACKENDS)
def test_contract(backend: ModuleType) -> None:
    assert backend.__name__.rsplit(".", 1)[1].replace("_", "-") == backend.NAME
    assert backend.FORMATS and set(backend.FORMATS) <= FORMATS
    assert hasattr(backend, "ENGINES") != hasattr(backend, "LANE")
    engines = getattr(backend, "ENGINES", (None,))
    assert engines and set(engines) <= {None, *ENGINES}
    assert all(isinstance(name, str) for name in backend.TOOLS)
    assert backend.__doc__
    in_page = hasattr(backend, "ENGINES")
    assert hasattr(backend, "RUNTIME") == in_page
    takes = ["artifact", "engine", *(["runtime"] if in_page else [])]
    takes += ["threads"] if hasattr(backend, "THREADS") else []
    assert list(inspect.signature(backend.open_session).parameters) == takes
    for engine in engines:
        assert backend.unavailable(engine) is None or backend.unavailable(engine)


def test_importing_all_backends_loads_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from pipeline.base.registry import discover\n"
        "discover('backends', 'open_session')\n"
        f"print([name for name in {HEAVY} if name in sys.modules])\n"
    )
    command = [sys.executable, "-c", script]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
