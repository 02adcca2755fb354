"""The HTML report in a real browser, its network blocked."""

from __future__ import annotations

import copy
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from manifests import failed, manifest, old

from pipeline.report.page import Context, page
from pipeline.report.release import Release

if TYPE_CHECKING:
    from playwright.sync_api import Page

    Tab = tuple[Page, list[str]]

Scheme = Literal["light", "dark"]
pytestmark = pytest.mark.browser

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>'\"&{{7*7}}"


def html(made: dict[str, Any], context: Context | None = None) -> str:
    return page(Release(made), context or Context())


def opened(
    tab: Tab, tmp_path: Path, text: str, *, width: int = 1280, scheme: Scheme = "light"
) -> Tab:
    """The page in a browser, and everything it complained of or asked the network for."""
    page, said = tab
    path = tmp_path / "report.html"
    path.write_text(text)

    def refuse(route: Any) -> None:
        if route.request.url != path.as_uri():
            said.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    page.goto("about:blank")
    said.clear()
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(media="screen", color_scheme=scheme)
    page.unroute_all()
    page.route("**/*", refuse)
    page.goto(path.as_uri())
    return tab


@pytest.fixture
def shown(tab: Tab, tmp_path: Path, proved: tuple[dict, Context]) -> Tab:
    return opened(tab, tmp_path, html(*proved))


def test_it_loads_nothing_and_says_nothing(shown: Tab) -> None:
    page, said = shown
    page.wait_for_load_state("networkidle")
    assert said == []
    loading = "[src], link[href], script[src], iframe, object, embed, [style*='url(']"
    urls = page.eval_on_selector_all(loading, "all => all.map(one => one.src || one.tagName)")
    assert urls and all(url.startswith("data:image/") for url in urls)
    content = page.get_attribute("meta[http-equiv='Content-Security-Policy']", "content") or ""
    assert content.startswith("default-src 'none'; script-src 'sha256-")
    assert page.locator("script").count() == 1


def test_the_policy_stops_scripts_and_loads(
    tab: Tab, tmp_path: Path, proved: tuple[dict, Context]
) -> None:
    text = html(*proved)
    evil = '<script>document.title = "run"</script><img src="http://127.0.0.1:9/x.png"></body>'
    page, said = opened(tab, tmp_path, text.replace("</body>", evil))
    assert page.title() != "run"
    assert not [line for line in said if line.startswith("http://127.0.0.1")]
    assert sum("Content Security Policy" in line for line in said) == 2


def test_headings_tables_and_images_have_what_a_screen_reader_needs(
    shown: Tab,
) -> None:
    page, _ = shown
    found = page.evaluate("""() => {
      const all = (selector) => [...document.querySelectorAll(selector)];
      const ids = all("[id]").map((one) => one.id);
      return {
        levels: all("h1, h2, h3, h4").map((one) => Number(one.tagName[1])),
        noCaption: all("table").filter((one) => !one.caption?.textContent.trim()).length,
        noScope: all("th").filter((one) => !one.scope).length,
        noAlt: all("img").filter((one) => !one.alt).length,
        images: all("img").length,
        noName: all("[role=img], [role=region], nav")
          .filter((one) => !one.ariaLabel && !one.getAttribute("aria-labelledby")).length,
        charts: all("svg").length,
        namedCharts: all("[role=img] > svg[aria-hidden=true]").length,
        twice: ids.length - new Set(ids).size,
        broken: all("a[href^='#']").filter((one) => !document.querySelector(one.hash)).length,
        pointless: all("[aria-labelledby]")
          .filter((one) => !document.getElementById(one.getAttribute("aria-labelledby"))).length,
        lang: document.documentElement.lang,
        mains: all("main").length,
      };
    }""")
    levels = found.pop("levels")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(later - level <= 1 for level, later in pairwise(levels))
    assert found.pop("images") > 0
    assert found.pop("charts") == found.pop("namedCharts") > 0
    assert (found.pop("lang"), found.pop("mains")) == ("en", 1)
    assert found == dict.fromkeys(found, 0)


def test_every_cell_opens_to_its_numbers_by_keyboard(shown: Tab) -> None:
    page, _ = shown
    cell = page.locator("#matrix summary").nth(1)
    panel = page.locator("#matrix .panel").nth(1)
    assert not panel.is_visible()
    cell.focus()
    page.keyboard.press("Enter")
    assert panel.is_visible()
    text = panel.inner_text()
    assert "tfjs-graph/fp32 on tfjs-wasm in Firefox" in text
    for number in ("3e-06", "99.72%", "1.5 ms", "30.2 ms", "98.00%", "at most 0.5"):
        assert number in text
    assert page.locator("#matrix summary").count() == 3 * 9 + 2 * 2
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_the_skip_link_comes_first(shown: Tab) -> None:
    page, _ = shown
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.hash") == "#verdict"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0


def test_status_is_told_by_more_than_colour(shown: Tab) -> None:
    page, _ = shown
    cells = page.locator("#matrix td:not(.none)").evaluate_all(
        "all => all.map(one => [one.className.split(' ')[0], "
        "one.querySelector('summary').textContent])"
    )
    marks = {"pass": ("✓", "passed"), "unavailable": ("–", "could not run")}
    assert {name for name, _ in cells} == set(marks)
    for name, text in cells:
        assert all(mark in text for mark in marks[name])


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_width_scrolls_sideways(
    tab: Tab, tmp_path: Path, proved: tuple[dict, Context], width: int
) -> None:
    page, _ = opened(tab, tmp_path, html(*proved), width=width)
    page.locator("#matrix summary").nth(2).click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # Text that is drawn smaller than this cannot be read on a phone.
    assert (
        page.evaluate("""Math.min(...[...document.querySelectorAll("svg text")]
      .map((one) => one.getBoundingClientRect().height).filter((height) => height > 0))""")
        >= 8
    )


CONTRAST = """() => {
  const linear = (v) => (v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
  const channel = (v) => linear(v / 255);
  const light = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
  const read = (text) => text.match(/[\\d.]+/g).map(Number);
  const ground = (one) => {
    for (; one; one = one.parentElement) {
      const colour = read(getComputedStyle(one).backgroundColor);
      if (colour.length === 3 || colour[3] > .99) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !one.checkVisibility()) continue;
    const style = getComputedStyle(one);
    const ink = read(one.closest("svg") ? style.fill : style.color);
    const [a, b] = [light(ink), light(ground(one))].sort((x, y) => y - x);
    found.push([(a + .05) / (b + .05), walker.currentNode.textContent.trim().slice(0, 40)]);
  }
  return found.sort((x, y) => x[0] - y[0]);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_of_every_text(
    tab: Tab, tmp_path: Path, proved: tuple[dict, Context], scheme: str
) -> None:
    made, context = proved
    made["artifacts"][0]["validation"][0] |= {"status": "fail"}
    page, _ = opened(tab, tmp_path, html(made, context), scheme=scheme)
    page.evaluate(
        "document.querySelectorAll('details').forEach((one) => one.removeAttribute('name'))"
    )
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    found = page.evaluate(CONTRAST)
    assert len(found) > 500
    assert found[0][0] >= 4.5, found[:5]
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(20, 24, 31)") == (scheme == "dark")


def test_charts_follow_the_page_into_the_dark(
    tab: Tab, tmp_path: Path, proved: tuple[dict, Context]
) -> None:
    used = {}
    for scheme in ("light", "dark"):
        page, _ = opened(tab, tmp_path, html(*proved), scheme=scheme)
        used[scheme] = page.evaluate("""[...document.querySelectorAll("svg *")].flatMap((one) => {
          const style = getComputedStyle(one);
          return ["fill", "stroke"].map((name) => one.getAttribute(name) && style[name]);
        }).filter((one) => one && one !== "none")""")
    assert len(used["light"]) == len(used["dark"]) > 50
    same = set(used["light"]) & set(used["dark"])
    assert same <= {"rgba(0, 0, 0, 0)"}, "drawn in a colour that is not of the palette"


def test_print_opens_every_cell(tab: Tab, tmp_path: Path, proved: tuple) -> None:
    page, _ = opened(tab, tmp_path, html(*proved))
    page.emulate_media(media="print")
    heights = page.locator("#matrix .panel").evaluate_all(
        "all => all.map((one) => one.getBoundingClientRect().height)"
    )
    assert len(heights) == 31 and min(heights) > 0
    assert page.locator("nav").is_hidden()


def test_hostile_names_are_text(tab: Tab, tmp_path: Path, proved: tuple) -> None:
    made, context = proved
    made = json.loads(json.dumps(made).replace("WebKitGTK has no navigator.gpu", "REASON"))
    made = _with(made, "REASON", HOSTILE)
    made = _with(made, "uint8", f"u{HOSTILE}")
    made["name"] = made["description"] = made["license"] = HOSTILE
    made["labels"] = [HOSTILE] * 3
    made["source"]["name"] = made["samples"]["description"] = HOSTILE
    made["tools"][HOSTILE] = HOSTILE
    made["artifacts"][0]["validation"][0]["hardware"]["name"] = HOSTILE
    context = Context(HOSTILE, ((HOSTILE, HOSTILE),), context.evidence)
    page, said = opened(tab, tmp_path, html(made, context))
    page.wait_for_load_state("networkidle")
    assert said == []
    assert page.locator("script").count() == 1, "the page's own"
    assert page.locator("img:not([src^='data:'])").count() == 0
    assert page.locator("h1").inner_text() == HOSTILE
    assert "49" not in page.locator("h1").inner_text()
    assert HOSTILE in page.locator("#worst").inner_text()
    assert f"tfjs-graph/u{HOSTILE}" in page.locator(".chart.wide").evaluate(
        "one => one.textContent"
    )


def _with(made: dict, old: str, new: str) -> dict:
    return json.loads(json.dumps(made).replace(old, json.dumps(new)[1:-1]))


def test_what_failed_and_what_could_not_run_is_said(tab: Tab, tmp_path: Path) -> None:
    page, said = opened(tab, tmp_path, html(failed()))
    verdict = page.locator("#verdict").inner_text()
    assert "Do not ship: 1 of 5 artifacts failed." in verdict
    assert "tfjs-graph/uint8 on tfjs-webgl in Firefox: same top class 91.00%, at least" in verdict
    assert "onnxruntime-cuda: no CUDA device (1 proof, required)" in verdict
    assert "tfjs-graph/uint8" not in page.locator("#ship").inner_text()
    assert page.locator("#matrix td.fail").count() == 1
    assert said == []


class Balanced(HTMLParser):
    """Finds elements that are opened and not closed."""

    VOID = frozenset({"meta", "img", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag, self.getpos()


@pytest.mark.parametrize("made", [manifest(), failed(), old()], ids=["whole", "failed", "old"])
def test_every_element_is_closed(made: dict) -> None:
    parser = Balanced()
    parser.feed(html(made))
    assert parser.open == []


def test_a_model_without_labels_shows_signal_to_noise() -> None:
    made = manifest(accuracy=None, labels=None, task="tensors")
    for artifact in made["artifacts"]:
        artifact["accuracy"] = None
        for proof in artifact["validation"]:
            proof.update({"accuracy": None} if "accuracy" in proof else {})
    text = html(made)
    assert "signal to noise, dB" in text and "Signal to noise 57 dB against the source." in text
    assert "dashed line" not in text


def test_a_release_of_which_nothing_ran() -> None:
    made = copy.deepcopy(old())
    only = made["artifacts"][0]
    only["validation"] = [{"backend": "tfjs-wasm", "engine": None, "status": "unavailable",
                           "reason": "no browser"}]  # fmt: skip
    only["accuracy"] = None
    text = html(made)
    assert "Not proved" in text and "no browser" in text and "None of these passed." in text


def test_what_is_left_out_and_what_is_dominated_is_said_with_the_reason() -> None:
    made = manifest(
        dropped=[{"id": "onnx/q4", "dominated_by": "onnx/int8", "dominated_reason": "no faster"}]
    )
    made["artifacts"][1] |= {"dominated_by": "tfjs-graph/uint8", "dominated_reason": "no smaller"}
    text = html(made, Context(left_out=(("tfjs-graph/int8", "TF.js has none"),)))
    assert "dominated by onnx/int8: no faster" in text and "TF.js has none" in text
    assert 'dominated by tfjs-graph/uint8: <span class="quiet">no smaller' in text
    assert ">tfjs-graph/fp16 ≥</text>" in text
    assert "Hollow and marked" in text and "Hollow and marked" not in html(manifest())


def test_bounds_that_do_not_apply_are_said() -> None:
    made = manifest()
    skipped = {"metric": "latency_ratio", "reason": "a rasterizer says nothing of a GPU"}
    made["artifacts"][0]["validation"][3]["not_applied"] = [skipped]
    text = html(made)
    assert "Bounds not applied" in text and "a rasterizer says nothing of a GPU" in text


def test_half_precision_is_told_with_its_reason(tab: Tab, tmp_path: Path) -> None:
    made = manifest()
    hazard = {"node": "conv_7", "op": "Conv2D", "max_abs": 71234.0, "overflow_share": 0.02}
    known = {"target": "tfjs-webgl-f16@chromium", "parity": {"relative_error": 0.4}}
    made["artifacts"][0]["half_precision"] = {
        **known,
        "safe": False,
        "reason": "relative error 0.4",
        "hazards": [{**hazard, "flush_share": 0.0}],
    }
    made["artifacts"][1]["half_precision"] = {"safe": None, "reason": "not measured", "hazards": []}
    page, said = opened(tab, tmp_path, html(made))
    rows = page.locator("#half tbody tr")
    assert rows.count() == 2
    assert "✗ not safe" in rows.nth(0).inner_text() and "– not known" in rows.nth(1).inner_text()
    rows.nth(0).locator("summary").click()
    assert "up to 7.12e+04, 2.00% overflow" in rows.nth(0).inner_text()
    assert said == []


def test_which_processors_integer_products_hold_on(tab: Tab, tmp_path: Path) -> None:
    made = manifest()
    none = {"portable": True, "products": 0, "node": None, "operator": None, "worst_sum": None}
    known = {"products": 28, "operator": "Conv"}
    made["artifacts"][0]["portability"] = none
    made["artifacts"][1]["portability"] = {
        **known,
        "portable": True,
        "node": "Conv_1",
        "worst_sum": 32640,
    }
    made["artifacts"][2]["portability"] = {
        **known,
        "portable": False,
        "node": "Conv_14",
        "worst_sum": 64770,
    }
    page, said = opened(tab, tmp_path, html(made))
    rows = page.locator("#where .facts > div")
    assert rows.count() == 2
    right, wrong = (rows.nth(i).inner_text() for i in range(2))
    assert made["artifacts"][1]["id"] in right
    assert "alike on every processor: two products add up to 32,640 at most, in Conv_1" in right
    assert "wrong on some processors: two products add up to 64,770 at most, in Conv_14" in wrong
    assert said == []


def test_addresses_are_only_shown(proved: tuple[dict, Context]) -> None:
    made, context = proved
    made["source"]["facts"] = {"data": {"attribution": "https://doi.org/10.24432/C50P49"}}
    text = html(made, context)
    assert "https://doi.org/10.24432/C50P49" in text
    assert not re.search(r"(src|href)\s*=\s*[\"']?\s*(https?:|//)", text)


def test_commands_are_copied_by_a_button(
    tab: Tab, tmp_path: Path, proved: tuple[dict, Context]
) -> None:
    page, said = opened(tab, tmp_path, html(*proved))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button = page.locator("#again .copy button")
    button.click()
    page.wait_for_function("document.querySelector('#again .copy').textContent === 'Copied'")
    assert page.evaluate("navigator.clipboard.readText()") == "pipeline build configs/digits.yaml"
    page.context.clear_permissions()
    assert said == []


def test_a_command_is_selected_where_there_is_no_clipboard(
    tab: Tab, tmp_path: Path, proved: tuple[dict, Context]
) -> None:
    page, _ = opened(tab, tmp_path, html(*proved))
    refusing = "() => { navigator.clipboard.writeText = () => Promise.reject(new Error()); }"
    page.evaluate(refusing)
    page.locator("#again .copy button").click()
    page.wait_for_function("document.querySelector('#again .copy').textContent.includes('Ctrl')")
    assert page.evaluate("getSelection().toString()") == "pipeline build configs/digits.yaml"


def test_what_software_rasterizers_took_stands_apart(shown: Tab) -> None:
    page, _ = shown
    charts = page.locator("#time .chart")
    hidden = page.locator("#time details.more .chart")
    assert hidden.count() == 5 and charts.count() == 10
    assert not hidden.first.is_visible() and charts.first.is_visible()
    page.locator("#time details.more > summary").first.click()
    assert hidden.first.is_visible()


def test_a_phone_shows_every_row_whole(
    tab: Tab, tmp_path: Path, proved: tuple[dict, Context]
) -> None:
    page, _ = opened(tab, tmp_path, html(*proved), width=360)
    cut = page.locator(".stacked tr > *").evaluate_all(
        "all => all.filter((one) => one.getBoundingClientRect().right > innerWidth)"
        ".map((one) => one.textContent)"
    )
    assert cut == []
    row = page.locator("#size tbody tr").first
    assert "✓ passed" in row.inner_text() and "98.00%" in row.inner_text()
    names = row.locator("td[data-name]").evaluate_all(
        "all => all.map((one) => getComputedStyle(one, '::before').content)"
    )
    assert '"on the wire" " "' in names or '"on the wire "' in names


def test_the_error_of_another_network_is_explained() -> None:
    made = manifest()
    assert "another network" not in html(made)
    made["artifacts"][2]["retrained"] = True
    text = html(made)
    assert text.count('href="#retrained"') == 1 and 'id="retrained"' in text


def test_a_phone_has_to_scroll_no_more_than_ten_screens_for_five_artifacts(
    tab: Tab, tmp_path: Path, proved: tuple[dict, Context]
) -> None:
    page, _ = opened(tab, tmp_path, html(*proved), width=390)
    assert page.evaluate("document.documentElement.scrollHeight") <= 10 * 844
