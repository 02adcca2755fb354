"""Runs TF.js models in Node, without a browser: TF.js itself, in plain JavaScript."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from pipeline.backends.web.packages import FOLDER, versions
from pipeline.backends.web.processes import bound
from pipeline.base.errors import MissingToolError, RunError
from pipeline.environment import advice
from pipeline.tensors.arrays import Array, np

SCRIPT = Path(__file__).with_name("run.mjs")

#: MiB that JavaScript may take; V8's own limit, of machines of any size, is lower.
HEAP_MIB = 8192


class NodeModel:
    """A ``model.json`` in a process of its own, which ends with this object."""

    def __init__(self, model: Path) -> None:
        """Start it; the model is loaded with the first batch.

        Raises:
            MissingToolError: there is no Node, or TF.js is not installed for it.
        """
        self._folder = tempfile.TemporaryDirectory(prefix="tfjs-")
        self._log = (Path(self._folder.name) / "log").open("w+b")
        words = [f"--max-old-space-size={HEAP_MIB}", str(SCRIPT), str(model.resolve())]
        self._process = subprocess.Popen(
            bound([_node(), *words]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=FOLDER,
            text=True,
        )
        weakref.finalize(self, _end, self._process, self._log, self._folder)

    def run(self, inputs: Mapping[str, Array], names: Sequence[str]) -> dict[str, Array]:
        """One batch.

        Args:
            inputs: by the names of TF.js' tensors, without ``:0``; whole numbers go as
                int32, others as float32.
            names: of the outputs that are wanted, of the same kind.

        Raises:
            RunError: the model does not load, or does not take the inputs.
        """
        from safetensors.numpy import load_file, save_file

        sent, gave = (Path(self._folder.name) / name for name in ("inputs", "outputs"))
        save_file({name: _as_tfjs_has_it(values) for name, values in inputs.items()}, sent)
        self._ask({"inputs": str(sent), "outputs": str(gave), "names": [*names]})
        return load_file(gave)

    def _ask(self, job: Mapping[str, object]) -> None:
        asked, answers = self._process.stdin, self._process.stdout
        if asked is None or answers is None:
            raise TypeError("the process was started without pipes")
        try:
            asked.write(json.dumps(job) + "\n")
            asked.flush()
        except BrokenPipeError as error:
            raise self._ended() from error
        # What is neither is what TF.js says of itself.
        said = next((line for line in answers if line.startswith("{")), None)
        if said is None:
            raise self._ended()
        if problem := json.loads(said).get("error"):
            raise RunError(f"TF.js cannot run it: {problem}", where="TF.js in Node")

    def _ended(self) -> RunError:
        code = self._process.wait()
        self._log.seek(0)
        last = self._log.read().decode(errors="replace").strip().splitlines()[-1:]
        return RunError(
            f"Node ended with code {code}{': ' if last else ''}{''.join(last)}",
            where="TF.js in Node",
        )


def version() -> str:
    """Of the TF.js that runs."""
    return versions()["@tensorflow/tfjs"]


def _as_tfjs_has_it(values: Array) -> Array:
    """TF.js has three types of numbers."""
    dtype = {"i": np.int32, "u": np.int32, "f": np.float32}.get(values.dtype.kind, values.dtype)
    return np.ascontiguousarray(values.astype(dtype))


def _node() -> str:
    path = shutil.which("node")
    if path is None or not (FOLDER / "node_modules" / "@tensorflow").is_dir():
        raise MissingToolError(
            "Node with TF.js, which runs the model as its users have it, is not here",
            where="source.tfjs",
            todo=f"run: {advice()}; pipeline doctor says what else is missing",
        )
    return path


def _end(
    process: subprocess.Popen[str], log: IO[bytes], folder: tempfile.TemporaryDirectory[str]
) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, log):
        if stream is not None:
            stream.close()
    folder.cleanup()
