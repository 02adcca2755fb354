"""Pictures become the same tensors in a browser as in the pipeline.

What is made of decoded pixels is tested without a browser (``unit/tasks/``, ``unit/inputs/``).
"""

from __future__ import annotations

import base64
import json
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from client_fixtures import Site
from client_page import ScriptPage
from nightly import ENGINES, nightly
from PIL import Image

from pipeline.inputs import image
from pipeline.inputs.image.options import ImageOptions
from pipeline.inputs.image.preprocess import apply
from pipeline.inputs.image.region import Region, apply_region
from pipeline.samples.images import decode
from pipeline.tasks import image_classification

pytestmark = pytest.mark.browser

INPUT = """
const { inputOf } = await import(`${args.sources}/inputs/image/input.js`);
const { portable } = await import(`${args.sources}/client/image.js`);
const manifest = { inputs: [{ name: 'image', dtype: 'float32' }], input: { image: args.image } };
const made = [];
for (const file of args.files) {
  const blob = new Blob([Uint8Array.from(atob(file), (char) => char.charCodeAt(0))]);
  const element = Object.assign(new Image(), { src: URL.createObjectURL(blob) });
  for (const image of [blob, (await portable(element))[0]]) {
    const { shape, data } = (await inputOf(image, manifest)).image;
    const text = Array.from(new Uint8Array(data.buffer), (byte) => String.fromCharCode(byte));
    made.push({ shape, data: btoa(text.join('')) });
  }
}
return made;
"""

TWIN = """
const { inputOf } = await import(`${args.sources}/inputs/image/input.js`);
const wrong = [];
for (const { pixels, shape: [height, width, channels], image, dtype, values } of args.cases) {
  const from = Uint8Array.from(atob(pixels), (char) => char.charCodeAt(0));
  const data = new Uint8ClampedArray(height * width * 4).fill(255);
  from.forEach((level, i) => { data[Math.floor(i / channels) * 4 + i % channels] = level; });
  const manifest = { inputs: [{ name: 'image', dtype, shape: [] }], input: { image } };
  const made = (await inputOf({ width, height, data }, manifest)).image.data;
  const same = made.length === values.length && made.every((v, i) => v === Math.fround(values[i]));
  if (!same) wrong.push(image);
}
return wrong;
"""

RANDOM = np.random.default_rng(7)


def pixels(*shape: int) -> np.ndarray[Any, Any]:
    return RANDOM.integers(0, 256, shape, dtype=np.uint8)


def gradient() -> np.ndarray[Any, Any]:
    """All 256 levels, smooth along one axis."""
    return np.repeat(np.arange(256, dtype=np.uint8)[None], 3, axis=0)


#: Name -> picture; sizes that are odd, of one pixel, smaller and larger than the target.
PICTURES = {
    "rgb": Image.fromarray(pixels(37, 53, 3)),
    "rgb-one-pixel": Image.fromarray(pixels(1, 1, 3)),
    "rgb-one-row": Image.fromarray(pixels(1, 200, 3)),
    "rgb-same-size": Image.fromarray(pixels(64, 64, 3)),
    "rgb-large": Image.fromarray(pixels(501, 333, 3)),
    # Read in part, of one that is just too small for that, and of those that are long.
    "rgb-129": Image.fromarray(pixels(129, 129, 3)),
    "rgb-128": Image.fromarray(pixels(128, 999, 3)),
    "rgb-wide": Image.fromarray(pixels(20, 3000, 3)),
    "rgb-high": Image.fromarray(pixels(3000, 150, 3)),
    "grey": Image.fromarray(pixels(8, 8)),
    "grey-gradient": Image.fromarray(gradient()),
    "one-bit": Image.fromarray(pixels(19, 23)).convert("1"),
    "palette": Image.fromarray(pixels(31, 17, 3)).convert("P"),
    "rgba": Image.fromarray(pixels(45, 67, 4)),
    "rgba-large": Image.fromarray(pixels(300, 400, 4)),
    "rgba-faint": Image.fromarray(pixels(9, 9, 4) // np.array([1, 1, 1, 40], np.uint8)),
    "grey-alpha": Image.fromarray(pixels(12, 29, 2)),
}
TARGETS = {
    "rgb": ImageOptions(size=(64, 64), color="rgb", scale=(-1, 1)),
    "grey": ImageOptions(size=(28, 31), color="grey", scale=(0, 1)),
    "as-it-is": ImageOptions(color="rgb", scale=(0, 255)),
}


def png(picture: Image.Image, **options: Any) -> bytes:
    stream = BytesIO()
    picture.save(stream, "PNG", **options)
    return stream.getvalue()


def made(
    page: ScriptPage, site: Site, files: list[bytes], target: ImageOptions
) -> list[tuple[Any, Any]]:
    """Of each file, read from a Blob and from an ``<img>``."""
    texts = [base64.b64encode(file).decode() for file in files]
    how = target.model_dump()
    said = page.run(INPUT, sources=site.sources, files=texts, image=how)
    found = [
        np.frombuffer(base64.b64decode(o["data"]), "float32").reshape(o["shape"]) for o in said
    ]
    return list(zip(found[::2], found[1::2], strict=True))


def wanted(file: bytes, target: ImageOptions, folder: Path) -> Any:
    (folder / "a.png").write_bytes(file)
    return apply(decode(folder / "a.png", "a.png"), target)[None]


#: What engines differ in is how they decode: the target is made by the same code in all.
MADE = [
    (engine, target) if engine == "chromium" else nightly(engine, target)
    for engine in ENGINES
    for target in TARGETS
]


@pytest.mark.parametrize(("engine", "target"), MADE, indirect=["engine"])
def test_pictures_become_what_the_pipeline_makes_of_them(
    page: ScriptPage, site: Site, tmp_path: Path, target: str
) -> None:
    how = TARGETS[target]
    low, high = how.scale
    # What is not made smaller is as large as it was, four times over.
    names = [name for name, one in PICTURES.items() if how.size or one.width * one.height < 60_000]
    files = [png(PICTURES[name]) for name in names]
    for name, file, found in zip(names, files, made(page, site, files, how), strict=True):
        right = wanted(file, how, tmp_path)
        # WebKit multiplies by alpha when it decodes, and cuts off; nothing brings that back.
        lossy = page.engine == "webkit" and PICTURES[name].mode in ("RGBA", "LA")
        bound = (high - low) * (1.5 / 255 if lossy else 1e-6) + 1e-5
        for one in found:
            assert one.shape == right.shape, name
            assert np.abs(one - right).max() <= bound, name


def test_pixels_become_what_python_makes_of_them_to_the_bit(page: ScriptPage, site: Site) -> None:
    """The cases that Node is held to, for every option, in the page's own engine."""
    cases = json.loads((Path(image.__file__).with_name("cases.json")).read_text())["images"]
    assert page.run(TWIN, sources=site.sources, cases=cases) == []


REGIONS = """
const { inputOf } = await import(`${args.sources}/inputs/image/input.js`);
const manifest = { inputs: [{ name: 'image', dtype: 'float32' }], input: { image: args.image } };
const blob = new Blob([Uint8Array.from(atob(args.file), (char) => char.charCodeAt(0))]);
const image = { held: await createImageBitmap(blob, { premultiplyAlpha: "none" }) };
const made = [];
for (const region of args.regions)
  made.push([...(await inputOf(image, manifest, {}, { region })).image.data]);
image.held.close();
return made;
"""

#: Within the picture, over each of its edges, and beyond it.
PARTS = [
    Region(30, 20, 12, 9, 0.7), Region(1, 2, 40, 30, -2.0), Region(64, 44, 25, 25, 3.1),
    Region(-90, 20, 10, 10, 0.2),
]  # fmt: skip


@pytest.mark.parametrize("name", ["rgb-large", "rgba"])
@pytest.mark.parametrize("border", ["zero", "replicate"])
def test_parts_of_one_bitmap_become_what_python_makes_of_them(
    page: ScriptPage, site: Site, name: str, border: Literal["zero", "replicate"]
) -> None:
    picture = PICTURES[name]
    how = ImageOptions(size=(13, 17), scale=(0, 255), border=border)
    file = base64.b64encode(png(picture)).decode()
    regions = [vars(part) for part in PARTS]
    found = page.run(
        REGIONS, sources=site.sources, file=file, regions=regions, image=how.model_dump()
    )
    bound = 1.5 if page.engine == "webkit" and picture.mode == "RGBA" else 1e-3
    for values, part in zip(found, PARTS, strict=True):
        right = apply_region(np.asarray(picture), part, how)
        assert np.abs(np.reshape(values, right.shape) - right).max() <= bound, part


ANSWERS = """
const { answer } = await import(`${args.sources}/tasks/image_classification/task.js`);
return args.cases.map(({ values, softmax, labels }) => {
  const manifest = { outputs: [{ name: 'y', softmax }], labels };
  return answer({ y: { data: Float32Array.from(values) } }, manifest);
});
"""


def test_outputs_become_the_answers_that_python_gives(page: ScriptPage, site: Site) -> None:
    """The cases of the task itself."""
    cases = json.loads((Path(image_classification.__file__).with_name("cases.json")).read_text())
    for answers, case in zip(
        page.run(ANSWERS, sources=site.sources, cases=cases), cases, strict=True
    ):
        assert [one.pop("score") for one in answers] == pytest.approx(
            [one.pop("score") for one in case["answers"]], abs=1e-7
        )
        assert answers == case["answers"]


def test_colour_profiles_are_left_aside(page: ScriptPage, site: Site, tmp_path: Path) -> None:
    from PIL import ImageCms

    if page.engine == "webkit":
        pytest.skip("WebKit has no way around the profiles of images")
    # A screen whose red is another's green would show other colours.
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace(b"rXYZ", b"xXYZ").replace(b"gXYZ", b"rXYZ").replace(b"xXYZ", b"gXYZ")
    file = png(PICTURES["rgb"], icc_profile=profile)
    right = wanted(file, TARGETS["rgb"], tmp_path)
    for one in made(page, site, [file], TARGETS["rgb"])[0]:
        assert np.abs(one - right).max() <= 1e-5


def test_pictures_are_turned_upright(page: ScriptPage, site: Site, tmp_path: Path) -> None:
    """JPEG, whose orientation every engine reads; its decoders differ by a few levels."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    slope = np.add.outer(np.arange(96), 2 * np.arange(64))[..., None] + [0, 10, 20]
    stream = BytesIO()
    Image.fromarray(slope.astype(np.uint8)).save(stream, "JPEG", quality=95, exif=exif)
    right = wanted(stream.getvalue(), TARGETS["rgb"], tmp_path)
    for one in made(page, site, [stream.getvalue()], TARGETS["rgb"])[0]:
        assert np.abs(one - right).max() <= 8 / 127.5
