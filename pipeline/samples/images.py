"""Samples from a folder of image files."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from pipeline.base.errors import SourceError
from pipeline.base.options import InputPath, StrictOptions
from pipeline.engine.step import Files
from pipeline.samples.contract import Item, Items, Needs, SamplesKind
from pipeline.samples.folder import assign
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


class FolderOptions(StrictOptions):
    """What is said of a folder of images, whatever is known of each."""

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


class Options(FolderOptions):
    """A folder of PNG, JPEG, WebP or BMP files."""

    shorthand: ClassVar[str | None] = "folder"

    folder: InputPath
    """Either one subfolder per class (labels are 0, 1, … in the order of the subfolders'
    sorted names) or image files directly in it (no labels)."""


def items(files: Files, options: Options, needs: Needs) -> Items:
    """The images by split, each decoded when it is asked for."""
    root, where = files["folder"], f"samples.images: {options.folder.name}"
    images = _limited(_files(root, where), options.limit, options.seed)
    splits = {
        name: [partial(_item, root, where, *images[row]) for row in rows]
        for name, rows in assign(len(images), options.test_share, options.seed).items()
    }
    named = options.description or options.folder.name
    return Items(splits, named, options.license, [path.name for path in _classes(root)])


def _item(root: Path, where: str, path: Path, label: int | None) -> Item:
    place = f"{where}/{path.relative_to(root)}"
    return Item(decode(path, place), place, {} if label is None else {"label": label})


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


SAMPLES = SamplesKind(name="images", options=Options, raw="image", items=items)
