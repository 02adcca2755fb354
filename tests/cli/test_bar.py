"""The bar on a real terminal, and plain lines where there is none."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

SCRIPT = """
import sys
from pipeline.cli.bar import open_bar

with open_bar("publish") as bar:
    bar.of(4_000_000)
    bar.advance(3_000_000)
with open_bar("starting") as bar:
    bar.begin(60.0)
    bar.update(30.0, "trial 1")
    bar.print("a line")
print("rich" in sys.modules)
"""


def shown_on_a_terminal() -> list[str]:
    child, terminal = pty.fork()
    if not child:
        os.environ |= {"COLUMNS": "60", "TERM": "xterm"}
        os.execv(sys.executable, [sys.executable, "-c", SCRIPT])
    parts = []
    # Reading ends with an error on Linux where the other side closes the terminal.
    while part := _read(terminal):
        parts.append(part)
    _, status = os.waitpid(child, 0)
    assert status == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", b"".join(parts).decode())
    return [line.strip() for line in re.split(r"[\r\n]+", plain) if line.strip()]


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


def test_a_terminal_shows_bytes_and_what_is_done_now() -> None:
    lines = shown_on_a_terminal()
    assert any(re.match(r"publish ━+.* 3\.0/4\.0 MB", line) for line in lines), lines
    assert any(re.match(r". ━+.* 0:00:0\d trial 1$", line) for line in lines), lines
    assert "a line" in lines
    assert lines[-1] == "True"


def test_elsewhere_there_are_lines_only_and_no_rich() -> None:
    command = [sys.executable, "-c", SCRIPT]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (result.stdout, result.stderr) == ("False\n", "a line\n")
