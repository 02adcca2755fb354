"""Bundles and minifies what browsers load, with the pinned esbuild and without a network."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pipeline.backends.web.packages import FOLDER, MODULES
from pipeline.backends.web.processes import bound
from pipeline.base.digest import file_digest, tree_digest
from pipeline.base.errors import MissingToolError, PipelineError
from pipeline.environment import advice

#: Every browser that has WebAssembly SIMD reads this.
TARGET = "es2022"

#: What modules are made of; the cases of tasks and inputs are for tests.
_READ, _CASES = (".js", ".json", ".d.ts"), "cases.json"


@dataclass(frozen=True)
class Bundled:
    """What one call of esbuild made."""

    outputs: tuple[Path, ...]
    packages: tuple[str, ...]
    """Node packages of which some code is in the outputs."""


def bundle(
    entries: Sequence[Path],
    folder: Path,
    base: Path | None = None,
    apart: Sequence[str] = (),
    private: Sequence[str] = (),
    *,
    constants: Mapping[str, bool] | None = None,
) -> Bundled:
    """Make of each entry one self-contained, minified ES module of the same name.

    Args:
        folder: where they are written; it is made where it is missing.
        base: the folder from which entries keep their paths; by default that of the first one.
        apart: imports, as modules write them, that stay what they are.
        private: names of properties that are shortened, since nothing outside sees them.
        constants: what ``globalThis.NAME`` is; what that decides against is left out.

    Raises:
        MissingToolError: esbuild is not installed.
        PipelineError: a module is wrong; esbuild's own words say where.
    """
    meta = folder / "meta.json"
    arguments = ["--bundle", "--minify", "--format=esm", f"--target={TARGET}"]
    # Comments would be a third of some bundles; the licences are published beside them.
    arguments += ["--platform=browser", "--legal-comments=none", "--log-level=error"]
    arguments += [f"--external:{pattern}" for pattern in apart]
    arguments += [f"--mangle-props=^({'|'.join(private)})$"] if private else []
    for name, value in (constants or {}).items():
        arguments.append(f"--define:globalThis.{name}={json.dumps(value)}")
    base = base or entries[0].parent
    arguments += [f"--outdir={folder}", f"--outbase={base}", f"--metafile={meta}"]
    # Modules of the client name packages that are installed beside the validation page.
    environment = {**os.environ, "NODE_PATH": str(MODULES)}
    # It writes into folders that the next build cleans away: it must not outlive this one.
    command = bound([str(_binary()), *map(str, entries), *arguments])
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        problem = done.stderr.strip() or f"esbuild ended with {done.returncode}, and said nothing"
        raise PipelineError(
            problem.splitlines()[0].removeprefix("✘ [ERROR] "),
            where=", ".join(entry.name for entry in entries),
            todo=f"mend the module, or run: {advice()}",
        )
    outputs = json.loads(meta.read_text())["outputs"]
    meta.unlink()
    return Bundled(tuple(folder / entry.relative_to(base) for entry in entries), _packages(outputs))


@cache
def fingerprint(folder: Path) -> str:
    """What decides bundles of a folder's modules: their sources and the pinned packages.

    A plan asks dozens of times. Like this package's own modules they are read once by a process.
    """
    files = {"lock": file_digest(FOLDER / "package-lock.json")}
    for top, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "node_modules"]
        for path in (Path(top, name) for name in names if name.endswith(_READ) and name != _CASES):
            files[path.relative_to(folder).as_posix()] = file_digest(path)
    return tree_digest(files)


def _binary() -> Path:
    """esbuild's native executable, of the one optional package that npm chose for this machine."""
    binaries = sorted((MODULES / "@esbuild").glob("*/bin/esbuild"))
    if not binaries:
        raise MissingToolError("esbuild is not installed", todo=f"run: {advice()}")
    return binaries[0]


def _packages(outputs: dict[str, dict[str, dict[str, dict[str, int]]]]) -> tuple[str, ...]:
    """The packages whose files gave any bytes."""
    used = set()
    for output in outputs.values():
        for path, part in output["inputs"].items():
            _, inside, rest = path.rpartition("node_modules/")
            # What a package says that browsers do without stands there as an empty module.
            if inside and part["bytesInOutput"] and not path.startswith("(disabled):"):
                depth = 2 if rest.startswith("@") else 1
                used.add("/".join(rest.split("/")[:depth]))
    return tuple(sorted(used))
