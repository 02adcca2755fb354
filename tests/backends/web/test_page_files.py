"""The page's own files: valid, pinned, and free of any registry's address."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from pipeline.backends.web.packages import CLIENT, FOLDER, PAGE, SHARED


@pytest.mark.parametrize("path", sorted(PAGE.glob("*.js")), ids=lambda path: path.name)
def test_javascript_parses_as_a_module(path: Path) -> None:
    subprocess.run(["node", "--check", path], check=True, capture_output=True)


def imported(module: Path) -> set[Path]:
    """The modules that one loads, by whatever ways; comments name those of types."""
    code = re.sub(r"/\*.*?\*/", "", module.read_text(), flags=re.DOTALL)
    words = re.findall(r"""(?:from|import) ?\(?['"](\.[^'"]+)['"]""", code)
    # Only what a visitor gives may be large, and is made small by the page.
    return {(module.parent / word).resolve() for word in words if word != "./large.js"}


def test_the_page_is_served_all_that_it_imports_and_no_more() -> None:
    """``SHARED`` names the client's modules: their digests decide whether proofs are made anew."""
    text = (PAGE / "page.js").read_text()
    wanted = {CLIENT / name for name in re.findall(r'from "\./client/([^"]+)"', text)}
    while new := {path for module in wanted for path in imported(module)} - wanted:
        wanted |= new
    assert {path.relative_to(CLIENT).as_posix() for path in wanted} == set(SHARED)


def test_packages_are_pinned_exactly() -> None:
    dependencies = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", pin) for pin in dependencies.values())
    locked = json.loads((FOLDER / "package-lock.json").read_text())["packages"]
    assert {
        name: locked[f"node_modules/{name}"]["version"] for name in dependencies
    } == dependencies


def test_lock_file_has_hashes_and_no_address() -> None:
    text = (FOLDER / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    assert '"resolved"' not in text
    assert "registry" not in text
    assert all("integrity" in entry for name, entry in packages.items() if name)
    assert "omit-lockfile-registry-resolved=true" in (FOLDER / ".npmrc").read_text().split()


def test_safetensors_written_in_javascript_are_read_back_by_it() -> None:
    script = """
      import { format, parse } from './safetensors.js';
      const tensors = {
        b: { dtype: 'bool', shape: [3], data: Uint8Array.of(1, 0, 1) },
        'naïve': { dtype: 'float32', shape: [1, 2], data: Float32Array.of(0.5, -2) },
        i: { dtype: 'int32', shape: [], data: Int32Array.of(-7) },
      };
      const back = parse(await format(tensors).arrayBuffer());
      console.log(JSON.stringify(back) === JSON.stringify(tensors));
      try { format({ s: { dtype: 'string', shape: [], data: [] } }); }
      catch (error) { console.log(error.message); }
    """
    command = ["node", "--input-type=module", "--eval", script]
    result = subprocess.run(command, cwd=PAGE, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines() == ["true", '"s" is string, which cannot leave the page']
