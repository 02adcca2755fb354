"""A region of a picture is what the pipeline's own crop makes of it, whatever gives the picture."""

from __future__ import annotations

import base64
import math

import numpy as np
import pytest
from client_fixtures import Site
from client_page import ScriptError, ScriptPage
from client_release import Release
from PIL import Image
from test_model import LOADED, where
from test_pictures import png

from pipeline.inputs.image.options import ImageOptions
from pipeline.inputs.image.preprocess import Image as Floats
from pipeline.inputs.image.region import Region, apply_region, fit_region

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("engine", ["chromium"], indirect=True),
]

CHANCE = np.random.default_rng(5)

ASK = f"""{LOADED}
const bytes = Uint8Array.from(atob(args.file), (char) => char.charCodeAt(0));
const file = new Blob([bytes]);
const bitmap = () => createImageBitmap(file, {{ premultiplyAlpha: 'none' }});
const element = Object.assign(new Image(), {{ src: URL.createObjectURL(file) }});
await element.decode();
const {{ width, height }} = await bitmap();
const canvas = new OffscreenCanvas(width, height);
canvas.getContext('2d').drawImage(element, 0, 0);
const data = canvas.getContext('2d').getImageData(0, 0, width, height);
const right = await model.predict({{
  [args.name]: {{ dtype: 'float32', shape: args.shape, data: Float32Array.from(args.values) }},
}});
const made = {{ file, element, bitmap: await bitmap(), ...(args.opaque && {{ canvas, data }}) }};
const found = {{}};
for (const [kind, image] of Object.entries(made)) {{
  found[kind] = await model.classify(image, {{ ...args.asked, top: 10 }});
}}
return {{ found, right: [...Object.values(right)[0].data] }};
"""


def pixels(shape: tuple[int, int, int]) -> np.ndarray:
    """Waves, another one in each channel: what is read beside its place is another level."""
    across, down = np.meshgrid(np.arange(shape[1]), np.arange(shape[0]))
    waves = [127 + 120 * np.sin(across / (7 + c) + down / (11 - c)) for c in range(shape[2])]
    return np.stack(waves, -1).astype(np.uint8)


def crop(image: np.ndarray, release: Release, region: tuple[float, ...]) -> Floats:
    options = ImageOptions.model_validate(release.manifest["input"]["image"])
    x, y, width, height, degrees = region
    turned = Region(x + width / 2, y + height / 2, width, height, math.radians(degrees))
    return apply_region(image, fit_region(turned, options), options)


@pytest.mark.parametrize(
    ("shape", "region"),
    [
        ((90, 120, 3), (20, 10, 50, 60, 0)),
        ((90, 120, 4), (20.5, 10.25, 50, 60, 25)),
        ((1400, 1520, 3), (-100, 700, 900, 500, -130)),
    ],
)
def test_a_region_is_the_pipelines(
    page: ScriptPage,
    site: Site,
    published: Release,
    shape: tuple[int, int, int],
    region: tuple[float, ...],
) -> None:
    image = pixels(shape)
    values = crop(image, published, region)
    asked = {"region": dict(zip(("x", "y", "width", "height"), region, strict=False)),
             "rotation": region[4]}  # fmt: skip
    (spec,) = published.manifest["inputs"]
    said = page.run(
        ASK,
        **where(site, asked=asked, name=spec["name"], shape=[1, *values.shape]),
        file=base64.b64encode(png(Image.fromarray(image))).decode(),
        values=values.ravel().tolist(),
        opaque=shape[2] == 3,
    )
    assert len(said["found"]) == (5 if shape[2] == 3 else 3)
    for kind, scores in said["found"].items():
        found = [score for _, score in sorted((one["index"], one["score"]) for one in scores)]
        assert found == pytest.approx(said["right"], abs=1e-4), kind


def test_what_lies_outside_is_told(page: ScriptPage, site: Site) -> None:
    script = f"{LOADED} return model.classify(new ImageData(8, 9), args.asked);"
    asked = {"region": {"x": 90, "y": 0, "width": 5, "height": 5}}
    with pytest.raises(ScriptError, match="outside of the image, which has 8x9") as told:
        page.run(script, **where(site, asked=asked))
    assert (told.value.name, told.value.code) == ("ModelError", "input")
