"""Images by their URLs, in a real page: relative, and of another origin."""

from __future__ import annotations

import base64

import pytest
from client_fixtures import Site
from client_page import ScriptPage, page_origin
from client_site import running
from test_model import LOADED, where

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("engine", ["chromium"], indirect=True),
]

ASK = f"""{LOADED}
const wanted = await model.classify(image(args.images[0]));
const data = `data:image/png;base64,${{args.images[0]}}`;
const found = [];
for (const url of ['digit.png', '/digit.png', args.open, data]) {{
  found.push(await model.classify(url));
}}
const errors = [];
for (const url of [args.closed, 'missing.png', args.page]) {{
  errors.push(await model.classify(url).catch(({{ code, message }}) => `${{code}}: ${{message}}`));
}}
const {{ normalized }} = await import(`${{args.client}}/normalized.js`);
const box = {{ x: 1, y: 1, width: 2, height: 1 }};
const half = normalized([{{ box }}], {{ width: 2, height: 2 }});
let after;
{{
  const dispose = model[Symbol.asyncDispose];
  await dispose();
  after = await model.classify('digit.png').catch(({{ code }}) => code);
}}
return {{ wanted, found, errors, half, after }};
"""


def test_an_image_may_be_a_url(page: ScriptPage, site: Site) -> None:
    args = where(site)
    digit = base64.b64decode(args["images"][0])
    site.page.put("digit.png", digit)
    open_url = site.cdn.put("digit.png", digit)
    with running(page_origin()) as other:
        other.put("digit.png", digit)
        closed, web_page = other.url("digit.png"), site.page.url("/")
        said = page.run(ASK, **args, open=open_url, closed=closed, page=web_page)
    assert said["found"] == [said["wanted"]] * 4
    no_cors, missing, no_image = said["errors"]
    assert no_cors.startswith(f"input: {closed} is of another origin, which lets no page read it")
    assert missing == "input: no image at missing.png: HTTP 404"
    assert no_image.startswith("input: this is no image that can be read")
    assert said["half"] == [{"box": {"x": 0.5, "y": 0.5, "width": 1, "height": 0.5}}]
    assert said["after"] == "disposed"
