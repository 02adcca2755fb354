"""The demo's screens in Chromium: what moves, what is told of downloads, tabs beside each other."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from client_release import Release
from client_site import Origin, running
from demo_page import WAIT_S
from nightly import nightly
from test_demo import AXE, DRAWN, TYPES

from pipeline.backends.web import session

#: Adds up what moved though nobody touched anything: https://web.dev/articles/cls
SHIFTS = """
  window.__shifted = 0;
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput } of list.getEntries())
      if (!hadRecentInput) window.__shifted += value;
  }).observe({ type: "layout-shift", buffered: true });
"""
WIDTHS = pytest.mark.parametrize(("width", "height"), [nightly(1280, 800), (390, 844)])


@pytest.fixture
def origin(published: Release) -> Iterator[Origin]:
    types = {pattern: {"Content-Type": kind} for pattern, kind in TYPES.items()}
    served = Origin({"Cache-Control": "no-cache"}, {"/": published.cdn}, extra_headers=types)
    for folder in ("", "demo/", "mobilenet/"):
        served.put(folder, (published.cdn / folder / "index.html").read_bytes())
    with running(served):
        yield served


@contextmanager
def profile(width: int = 1280, height: int = 800, **more: Any) -> Iterator[Any]:
    """A new visitor's browser."""
    browser: Any = session.running("chromium").browser
    context = browser._browser.new_context(viewport={"width": width, "height": height}, **more)
    context.set_default_timeout(1000 * WAIT_S)
    context.add_init_script(SHIFTS)
    try:
        yield context
    finally:
        context.close()


def opened(context: Any, origin: Origin, path: str = "demo/") -> Any:
    page = context.new_page()
    page.goto(origin.url(path))
    page.locator(".stats", has_text="in a worker").first.wait_for()
    return page


def draw(page: Any, label: str) -> None:
    page.locator("#pad").scroll_into_view_if_needed()
    box = page.locator("#pad").bounding_box()
    for stroke in DRAWN[label]:
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point, steps=3)
        page.mouse.up()
    page.locator(".side .answer:not([hidden])").last.wait_for()


@WIDTHS
def test_nothing_moves(origin: Origin, width: int, height: int) -> None:
    with profile(width, height) as context:
        page = opened(context, origin)
        page.wait_for_timeout(300)
        draw(page, "7")
        # Input excuses what moves for half a second.
        page.wait_for_timeout(700)
        assert page.evaluate("window.__shifted") < 0.01
        pad = page.evaluate("getComputedStyle(document.querySelector('#pad')).backgroundColor")
        assert pad == "rgb(255, 255, 255)", "paper, and no black box"


def test_says_what_travelled(origin: Origin) -> None:
    """The figure is what the server sent, of files that came compressed."""
    with profile() as context:
        page = opened(context, origin)
        figure = page.locator(".stats .figure").last
        sent = origin.sent_bytes("/mobilenet/files/*") + origin.sent_bytes("/runtimes/*")
        told = re.fullmatch(r"([\d.]+) KB", figure.inner_text())
        assert told and float(told[1]) == pytest.approx(sent / 1000, rel=0.01)
        page.reload()
        page.locator(".stats", has_text="kept from before").wait_for()
        assert figure.inner_text() == "nothing"


def test_a_phone_compares_the_same_picture_and_names_both(origin: Origin) -> None:
    with profile(390, 844) as context:
        page = opened(context, origin)
        page.click("#compare")
        page.locator(".stats", has_text="in a worker").nth(1).wait_for()
        draw(page, "7")
        page.locator("#verdict", has_text="Both say 7.").wait_for()
        assert re.fullmatch(r"A: 7, .* · B: 7, .*", page.inner_text("#peek"))
        pictures = page.eval_on_selector_all(".seen canvas", "all => all.map(c => c.toDataURL())")
        assert len(pictures) == 2 and pictures[0] == pictures[1]
        page.evaluate("location.hash = '#teach'")
        page.locator("#peek:empty").wait_for(state="attached")


def test_the_code_is_that_of_what_is_shown_and_is_copied(
    origin: Origin, published: Release
) -> None:
    with profile(permissions=["clipboard-read", "clipboard-write"]) as context:
        page = opened(context, origin)
        page.select_option("select.artifact", "tfjs-graph/uint8")
        page.locator("#snippet", has_text='artifact: "tfjs-graph/uint8"').wait_for()
        page.click("#copy")
        page.locator("#copy", has_text="Copied").wait_for()
        code = page.evaluate("navigator.clipboard.readText()")
        assert code == page.locator("#snippet").text_content()
        release = published.manifest["release"]
        content = (published.model / "releases" / release / "page.json").read_bytes()
        pin = base64.b64encode(hashlib.sha256(content).digest()).decode()
        assert f'integrity: "sha256-{pin}"' in code
        assert origin.url(f"mobilenet/releases/{release}/page.json") in code
        assert page.get_attribute("#report", "href") == origin.url(
            f"mobilenet/releases/{release}/report.html"
        )


def publish_newer(origin: Origin, published: Release) -> str:
    """What is published meanwhile: the same model under another name."""
    release = "f" * 16
    newer = {**published.manifest, "release": release, "created": "2999-01-01T00:00:00+00:00"}
    content = json.dumps({**newer, "description": "The newer one"}).encode()
    path = f"releases/{release}/manifest.json"
    origin.put(f"mobilenet/{path}", content)
    pointer = {"release": release, "manifest": path, "sha256": hashlib.sha256(content).hexdigest()}
    origin.put("mobilenet/latest.json", json.dumps(pointer))
    return release


def test_a_tab_shows_one_release_until_it_is_told(origin: Origin, published: Release) -> None:
    """Artifacts that are chosen later come from the release that the page describes."""
    with profile() as context:
        page = opened(context, origin)
        newer = publish_newer(origin, published)
        page.select_option("select.artifact", "tfjs-graph/fp32")
        page.locator(".stats", has_text="tfjs-graph/fp32").wait_for()
        shown = published.manifest["release"]
        assert origin.seen(f"/mobilenet/releases/{shown}/page.json")
        assert shown in page.inner_text("#about")
        other = opened(context, origin)
        assert newer in other.inner_text("#about")
        page.locator("#notice", has_text="A newer release").wait_for()
        page.click("#notice button")
        page.locator("#description", has_text="The newer one").wait_for()
        assert newer in page.inner_text("#about")
        assert page.locator("#notice").is_hidden()


@pytest.mark.parametrize("path", ["", "mobilenet/"])
def test_the_folders_pages_are_accessible_and_fit_a_phone(origin: Origin, path: str) -> None:
    with profile(390, 844, permissions=["clipboard-read", "clipboard-write"]) as context:
        page = context.new_page()
        wrong: list[str] = []
        page.on("console", lambda said: said.type == "error" and wrong.append(said.text))
        page.goto(origin.url(path))
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.evaluate(AXE.read_text() + ";0")
            found = page.evaluate(
                "axe.run().then((r) => r.violations.map((v) => [v.id, v.nodes.map((n) => n.html)]))"
            )
            assert found == []
        if path:
            page.click(".snippet button")
            page.locator(".snippet button", has_text="Copied").wait_for()
            code = page.evaluate("navigator.clipboard.readText()")
            assert origin.url("client/index.js") in code, "the address is this folder's own"
        assert wrong == [], "the page's own policy forbids nothing that it does"
