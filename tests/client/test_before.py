"""Releases that were published before, whose code knew no methods, in the client of now; and the
client of that time with a release of now."""

from __future__ import annotations

from pathlib import Path

import pytest
from client_fixtures import Site
from client_page import ScriptPage
from client_release import Release
from client_tiers import Manifest, edited, put_runtime
from nightly import nightly
from test_model import LOADED, pngs

from pipeline.bundled.digits import digits

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("engine", ["chromium"], indirect=True),
]

#: The code of image classification as releases had it until November 2026: it exports ``answer``,
#: ``bounded`` and ``inputOf``.
BEFORE = Path(__file__).parent / "fixtures" / "before.js"

#: The client of that time (ba6d2cc, 0.1.0), bundled: what a page has that keeps its own copy.
CLIENT = BEFORE.with_name("client.js")

ASK = f"""{LOADED}
const files = args.images.map(image);
const asked = files.map((one) => model.classify(one, {{ top: 3 }}));
const found = (await Promise.all(asked)).map(([best], i) => best.label);
const bitmap = await createImageBitmap(files[0]);
const large = Object.assign(document.createElement('canvas'), {{ width: 2400, height: 2400 }});
large.getContext('2d').drawImage(bitmap, 0, 0, 2400, 2400);
const [{{ label }}] = await model.classify(large);
const {{ length, artifact }} = await model.classify(files[0]);
const {{ info }} = model;
await model.dispose();
return {{ found, label, length, artifact, info }};
"""


@pytest.fixture
def before(published: Release, tmp_path: Path, site: Site) -> str:
    """The URL of such a release, with a cascade whose small artifact is never sure."""

    def change(manifest: Manifest) -> None:
        file = put_runtime(BEFORE, "", (), tmp_path / "cdn" / "runtimes")
        manifest["runtimes"][manifest["task"]] |= {"entry": file["path"], "files": [file]}
        manifest["preprocess"] = {"resize": [64, 64], "color": "rgb", "scale": [-1, 1]}
        small, large = "tfjs-graph/uint8", "tfjs-graph/fp32"
        manifest["cascade"] = {"small": small, "large": large, "threshold": 2}

    release = edited(published, tmp_path, change)
    site.publish(release)
    # The whole manifest, as releases of before had no page's own.
    name = release.manifest["release"]
    return site.cdn.url(f"mobilenet/releases/{name}/manifest.json")


@pytest.mark.parametrize(
    "options", [{}, nightly({"worker": False}), nightly({"cascade": True})], ids=str
)
def test_a_release_of_before_answers(
    page: ScriptPage, site: Site, before: str, options: dict[str, bool]
) -> None:
    said = page.run(ASK, client=site.client, url=before, images=pngs(8), options=options)
    assert said["found"] == [str(label) for label in digits("test")[1][:8]]
    assert said["label"] == said["found"][0] and said["length"] == 5
    assert said["info"]["methods"] == ["classify"]
    assert said["artifact"] == f"tfjs-graph/{'fp32' if options.get('cascade') else 'uint8'}"


OLD_CLIENT = """
const { load } = await import(args.client);
const model = await load(args.url);
const image = (text) => new Blob([Uint8Array.from(atob(text), (char) => char.charCodeAt(0))]);
const found = await Promise.all(args.images.map((one) => model.classify(image(one), { top: 3 })));
const { info } = model;
await model.dispose();
return { labels: found.map(([best]) => best.label), artifact: found[0].artifact, info };
"""


def test_a_client_of_before_reads_a_release_of_now(page: ScriptPage, site: Site) -> None:
    client = site.page.put("client.js", CLIENT.read_text())
    said = page.run(OLD_CLIENT, client=client, url=site.latest, images=pngs(8))
    assert said["labels"] == [str(label) for label in digits("test")[1][:8]]
    assert said["artifact"] == "tfjs-graph/uint8" and said["info"]["tried"] == []
