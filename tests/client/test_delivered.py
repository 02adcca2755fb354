"""What bundles make of the files that a client hands over."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

RUNTIMES = Path(__file__).parents[2] / "pipeline" / "client" / "runtimes"

JOIN = """
import { withUrls } from './delivered.js';
const bytes = (...all) => Uint8Array.from(all).buffer;
const assets = { 'b.wasm.2': bytes(5), 'a-simd.wasm': bytes(9), 'b.wasm': bytes(1, 2),
                 'b.wasm.3': bytes(7), 'b.wasm.1': bytes(3, 4) };
const read = async (url) => [...new Uint8Array(await (await fetch(url)).arrayBuffer())];
console.log(JSON.stringify(await withUrls(assets, async (urls) => Object.fromEntries(
  await Promise.all(Object.entries(urls).map(async ([name, url]) => [name, await read(url)]))))));
"""


def test_parts_of_a_file_are_joined_in_their_order() -> None:
    """However they come; what hosts take whole stays as it is."""
    command = ["node", "--input-type=module", "--eval", JOIN]
    done = subprocess.run(command, cwd=RUNTIMES, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"a-simd.wasm": [9], "b.wasm": [1, 2, 3, 4, 5, 7]}
