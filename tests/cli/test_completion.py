"""Shells complete the command by both its names, without an environment."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from pipeline.cli import main as cli
from pipeline.environment import enter
from pipeline.environment.place import COMMANDS


def refuse(*arguments: object) -> None:
    raise AssertionError("an environment is asked for")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("words", "ends"), [("b", ["bisect", "build"]), ("build --sign-k", ["--sign-key"])]
)
def test_words_are_completed(
    command: str, words: str, ends: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "is_inside", lambda: False)
    monkeypatch.setattr(enter, "hand_over", refuse)
    variables = {
        f"_{command.replace('-', '_').upper()}_COMPLETE": "bash_complete",
        "COMP_WORDS": f"{command} {words}",
        "COMP_CWORD": str(len(words.split())),
    }
    shown = CliRunner(env=variables).invoke(cli.main, prog_name=command).output
    completions = [line.removeprefix("plain,") for line in shown.splitlines()]
    assert {*ends} <= {*completions}
    assert all(one.startswith(words.rpartition(" ")[2]) for one in completions)
