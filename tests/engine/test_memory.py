from __future__ import annotations

import subprocess
import sys

import pytest

#: Frees every other block, which keeps the heap from shrinking by itself, and a cycle.
FRAGMENTED = """
from pipeline.engine import memory
memory.MUCH_BYTES = {much}
blocks = [bytearray(50_000) for _ in range(4000)]
for block in blocks: block[::4096] = b"x" * len(block[::4096])
del blocks[::2]
loop = [bytearray(b"x" * 50_000_000)]
loop.append(loop)
del loop
before = memory._held_bytes()
memory.give_back()
print(before - memory._held_bytes())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells it on Linux only")
@pytest.mark.parametrize("much", [0, 2**40])
def test_what_is_free_goes_back_where_a_process_holds_much(much: int) -> None:
    command = [sys.executable, "-c", FRAGMENTED.format(much=much)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    freed = int(done.stdout)
    assert freed > 120_000_000 if much == 0 else freed < 10_000_000
