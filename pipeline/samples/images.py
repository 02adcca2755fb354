"""Samples from a folder of image files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from pipeline.artifacts.frozen import Frozen
from pipeline.base.errors import SourceError
from pipeline.base.options import InputPath
from pipeline.base.options import Options as Strict
from pipeline.engine.step import Inputs, step
from pipeline.inputs.image.options import ImageOptions
from pipeline.samples.contract import SamplesKind
from pipeline.samples.pictures import Pictures, spread
from pipeline.tasks.find import Purpose
from pipeline.tensors.arrays import NDArray, np

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}
FORMATS = ("PNG", "JPEG", "WEBP", "BMP")

#: A small file may claim any size, and would be unpacked to it.
MAX_PIXELS = 64_000_000

#: Pillow's modes of 8-bit images, and what each is read as.
MODES = {"1": "L", "L": "L", "RGB": "RGB", "RGBA": "RGBA", "LA": "RGBA", "PA": "RGBA"} | {
    "P": "RGBA",
    "CMYK": "RGB",
    "YCbCr": "RGB",
}


class Options(Strict):
    """A folder of PNG, JPEG, WebP or BMP files."""

    shorthand: ClassVar[str | None] = "folder"

    folder: InputPath
    """Either one subfolder per class (labels are 0, 1, … in the order of the subfolders'
    sorted names) or image files directly in it (no labels)."""

    description: str = ""
    """What the images are, for people."""

    license: str = ""
    """Their licence."""

    limit: Annotated[int, Field(ge=1)] = 1000
    """Use at most this many images, chosen by ``seed``."""

    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Share of the images for the test split."""

    seed: Annotated[int, Field(ge=0)] = 0
    """Decides which images are used, and in which split."""


class ReadOptions(Strict):
    """What the step needs."""

    options: Options
    """Which folder."""

    image: ImageOptions | None = None
    """How its images become the model's input."""

    task: Purpose = Field(default_factory=Purpose)
    """Which truth samples are to have."""

    def key(self) -> dict[str, Any]:
        """The folder's name, which stands in the description, but not where it lies."""
        chosen = self.options.key() | {"folder": self.options.folder.name}
        return super().key() | {"options": chosen}


@step(version=2, lane="light", tools=("numpy", "pillow"))
def read(inputs: Inputs, options: ReadOptions, work: Path) -> None:
    """Decode the images, make inputs of them, and write them by split."""
    from pipeline.samples import folder

    chosen, root = options.options, inputs["folder"]
    where = f"samples.images: {chosen.folder.name}"
    image = folder.needed(options.image, where)
    spec = folder.image_input(Frozen(inputs["frozen"]).signature.inputs, where)
    files = _limited(_files(root, where), chosen.limit, chosen.seed)
    splits = {}
    for name, rows in folder.assign(len(files), chosen.test_share, chosen.seed).items():
        picked = [files[row] for row in rows]
        images = _decoded(root, [path for path, _ in picked], where)
        values = folder.pixels_to_input(images, len(picked), image, spec, where)
        labels = [label for _, label in picked if label is not None]
        splits[name] = folder.Split({spec.name: values}, np.array(labels) if labels else None)
    described = chosen.description or chosen.folder.name
    folder.write(
        work, splits, description=described, license_name=chosen.license, task=options.task
    )


def pictures(inputs: Inputs, options: Options, most: int) -> Pictures | None:
    """Images of the test split, as they are."""
    from pipeline.samples import folder

    root, where = inputs["folder"], f"samples.images: {options.folder.name}"
    files = _limited(_files(root, where), options.limit, options.seed)
    rows = folder.assign(len(files), options.test_share, options.seed)["test"]
    picked = [files[rows[index]] for index in spread(len(rows), most)]
    labels = [label for _, label in picked if label is not None]
    if not labels:
        return None
    images = list(_decoded(root, [path for path, _ in picked], where))
    return Pictures(images, np.array(labels), [path.name for path in _classes(root)])


def _classes(root: Path) -> list[Path]:
    """The folders of the classes, in the order of their labels."""
    return sorted(path for path in root.iterdir() if path.is_dir() and path.name[0] != ".")


def _files(root: Path, where: str) -> list[tuple[Path, int | None]]:
    """Image files with their labels, sorted by path."""
    classes = _classes(root)
    flat = _images(root)
    if flat and any(_images(folder) for folder in classes):
        raise SourceError(
            "holds images both directly and in subfolders, so labels are unclear",
            where=where,
            todo="move every image into the subfolder of its class, or all out of subfolders",
        )
    labelled = [(path, label) for label, kind in enumerate(classes) for path in _images(kind)]
    files: list[tuple[Path, int | None]] = [(path, None) for path in flat] or [*labelled]
    if not files:
        raise SourceError(
            f"holds no image files ({', '.join(sorted(SUFFIXES))})",
            where=where,
            todo="put images into the folder, or into one subfolder per class",
        )
    return files


def _images(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and path.name[0] != "." and path.is_file()
    )


def _limited(
    files: list[tuple[Path, int | None]], limit: int, seed: int
) -> list[tuple[Path, int | None]]:
    rows = np.random.default_rng(seed).permutation(len(files))[:limit]
    return [files[row] for row in sorted(rows.tolist())]


def _decoded(root: Path, files: Sequence[Path], where: str) -> Iterator[NDArray[np.uint8]]:
    for path in files:
        yield decode(path, f"{where}/{path.relative_to(root)}")


def decode(path: Path, where: str) -> NDArray[np.uint8]:
    """Read an image file as a browser would show it (EXIF orientation applied).

    Returns:
        uint8 [height, width] (grey) or [height, width, 3 or 4].

    Raises:
        SourceError: it cannot be read, is too large, or has more than 8 bits a channel.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path, formats=FORMATS) as image:
            _refuse(image, where)
            upright = ImageOps.exif_transpose(image)
            return np.asarray(upright.convert(MODES[image.mode]))
    # Pillow raises many kinds on broken files, SyntaxError and struct.error among them.
    except SourceError:
        raise
    except Exception as error:
        raise SourceError(
            f"cannot be read as an image ({type(error).__name__})",
            where=where,
            todo="replace or remove the file",
        ) from error


def _refuse(image: Image, where: str) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise SourceError(
            f"has {width} x {height} pixels, more than {MAX_PIXELS:,}",
            where=where,
            todo="make the image smaller",
        )
    if image.mode not in MODES:
        raise SourceError(
            f"has more than 8 bits a channel (mode {image.mode})",
            where=where,
            todo="convert the image to 8 bits",
        )


SAMPLES = SamplesKind(
    name="images",
    options=Options,
    read=read,
    pictures=pictures,
)
