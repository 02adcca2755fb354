"""The demo page's files: types, samples, and what its service worker keeps."""

from __future__ import annotations

import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

from tools import demo_samples, demo_texts

CLIENT = Path(__file__).parents[2] / "pipeline" / "client"
DEMO = CLIENT / "demo"


def test_types_are_right() -> None:
    tsc = CLIENT / "node_modules" / ".bin" / "tsc"
    done = subprocess.run([tsc, "-p", "."], cwd=DEMO, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_samples_are_digits_that_the_model_was_not_trained_on() -> None:
    written = json.loads(demo_samples.FILE.read_text())
    assert written == demo_samples.samples(), "run `python -m tools.demo_samples`"
    assert written["labels"] == list("0123456789") * 3
    assert "CC BY 4.0" in written["credit"]


def test_texts_to_pick_are_what_the_grammars_make() -> None:
    for file, samples in (demo_texts.labelled(), demo_texts.asked()):
        assert json.loads(file.read_text()) == samples, "run `python -m tools.demo_texts`"


class _Elements(HTMLParser):
    """What the page holds."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_a_strict_policy_needs_no_exception() -> None:
    page = _Elements()
    page.feed((DEMO / "index.html").read_text())
    for tag, attributes in page.found:
        assert tag != "style" and "style" not in attributes
        assert tag != "script" or attributes["src"]
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href"):
            assert "//" not in (attributes.get(name) or ""), "nothing comes from elsewhere"
    assert "unsafe-inline" not in str(page.found)


def test_every_id_that_the_scripts_look_for_is_there_once() -> None:
    page = _Elements()
    page.feed((DEMO / "index.html").read_text())
    ids = [attributes["id"] for _, attributes in page.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    scripts = "".join(path.read_text() for path in DEMO.glob("*.js"))
    # The plain panel brings its own stage.
    ids += re.findall(r'\bid="([a-z-]+)"', scripts)
    wanted = set(re.findall(r'(?:find|on|enable|onFiles|stamp)\(\s*"#([a-z-]+)', scripts))
    assert len(wanted) > 15 and wanted <= set(ids)
