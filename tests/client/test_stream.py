"""A model answers the frames of a camera, in a page."""

from __future__ import annotations

import pytest
from client_fixtures import Site
from client_page import ScriptPage
from nightly import nightly
from test_model import LOADED, pngs, where

from pipeline.bundled.digits import digits

pytestmark = [
    pytest.mark.browser,
    # WebKitGTK plays no stream of a canvas, and there is no camera.
    pytest.mark.parametrize("engine", ["chromium", nightly("firefox")], indirect=True),
]

#: Shows one digit after another for as long as it is asked, as a camera would.
STREAM = f"""{LOADED}
const canvas = Object.assign(document.createElement('canvas'), {{ width: 64, height: 64 }});
const context = canvas.getContext('2d');
const pictures = await Promise.all(args.images.map((one) => createImageBitmap(image(one))));
let shown = 0;
const show = () => context.drawImage(pictures[shown], 0, 0, 64, 64);
show();
const timer = setInterval(show, 10);
const camera = canvas.captureStream();
const said = [];
for await (const {{ result, timestamp, dropped }} of model.stream(camera, {{ top: 1 }})) {{
  if (result[0].index === args.labels[shown]) {{
    said.push({{ index: result[0].index, artifact: result.artifact, timestamp, dropped }});
    shown++;
  }}
  if (shown === pictures.length) break;
}}
clearInterval(timer);
camera.getTracks().forEach((track) => track.stop());
await model.dispose();
return said;
"""


def test_a_camera_is_answered_frame_by_frame(page: ScriptPage, site: Site) -> None:
    labels = [int(label) for label in digits("test")[1][:3]]
    said = page.run(STREAM, **where(site, images=pngs(3)), labels=labels)
    assert [frame["index"] for frame in said] == labels
    assert all(frame["artifact"] for frame in said)
    times = [frame["timestamp"] for frame in said]
    assert times == sorted(times) and len(set(times)) == 3
    assert all(frame["dropped"] >= 0 for frame in said)
