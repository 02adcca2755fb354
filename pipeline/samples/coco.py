"""Samples of a folder of images and COCO's annotations of what is in them."""

from __future__ import annotations

import json
from collections import defaultdict
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.base.errors import SourceError
from pipeline.base.options import InputPath
from pipeline.engine.step import Files
from pipeline.samples.contract import Item, Items, Needs, SamplesKind
from pipeline.samples.folder import assign
from pipeline.samples.images import FolderOptions, decode
from pipeline.tensors.arrays import np

#: The annotations of COCO's 118,000 training images are 449 MB.
MAX_BYTES = 1 << 29

Record = dict[str, Any]


class Options(FolderOptions):
    """Images with boxes, and with keypoints if there are such, as COCO's annotation files have
    them."""

    images: InputPath
    """The folder that ``file_name`` of each image is read from."""

    annotations: InputPath
    """A JSON file with ``images``, ``categories`` and ``annotations`` with ``bbox``, and maybe
    ``keypoints``; segmentations are not read. Labels are the categories' names."""


def items(files: Files, options: Options, needs: Needs) -> Items:
    """The images by split, each decoded when it is asked for, with its ``objects``."""
    where = f"samples.coco: {options.annotations.name}"
    root, data = files["images"], _read(files["annotations"], where)
    try:
        names = {record["id"]: str(record["name"]) for record in data["categories"]}
        images = sorted((record["id"], str(record["file_name"])) for record in data["images"])
        points = {record["id"]: record.get("keypoints", []) for record in data["categories"]}
        objects = _objects(data["annotations"], names, points)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _wrong(f"lacks a field or has another kind of value ({error})", where) from error
    if not images:
        raise _wrong("names no images", where)
    rows = np.random.default_rng(options.seed).permutation(len(images))[: options.limit]
    used = [images[row] for row in sorted(rows.tolist())]
    splits = {
        name: [partial(_item, root, where, used[row], objects) for row in chosen]
        for name, chosen in assign(len(used), options.test_share, options.seed).items()
    }
    named = options.description or options.annotations.name
    return Items(splits, named, options.license, [names[key] for key in sorted(names)])


def _read(path: Path, where: str) -> Record:
    if path.stat().st_size > MAX_BYTES:
        raise _wrong(f"has more than {MAX_BYTES >> 20} MiB", where)
    try:
        data = json.loads(path.read_bytes())
    # Nested too deep, it is a RecursionError.
    except (ValueError, RecursionError) as error:
        raise _wrong("is no JSON", where) from error
    if not isinstance(data, dict):
        raise _wrong("is no JSON object", where)
    return data


def _objects(
    annotations: list[Record], names: dict[Any, str], points: dict[Any, list[str]]
) -> dict[Any, list[Record]]:
    """By the id of their image.

    Args:
        names, points: of each category, by its id: its own name, and those of its keypoints.
    """
    objects = defaultdict(list)
    for record in annotations:
        category = record["category_id"]
        told = {"label": names[category], "box": record["bbox"]}
        told |= {"crowd": bool(record.get("iscrowd", 0)), "area": record.get("area")}
        if "keypoints" in record:
            numbers = record["keypoints"]
            triples = zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True)
            told["keypoints"] = dict(zip(points[category], map(list, triples), strict=True))
        objects[record["image_id"]].append(told)
    return objects


def _item(root: Path, where: str, image: tuple[Any, str], objects: dict[Any, list[Record]]) -> Item:
    key, name = image
    path = (root / PurePosixPath(name)).resolve()
    # The file is untrusted: it names no image elsewhere.
    if not path.is_relative_to(root.resolve()):
        raise _wrong(f"names an image outside of the folder: {name}", where)
    if not path.is_file():
        raise _wrong(f"names an image that is not in the folder: {name}", where)
    return Item(decode(path, f"{where}: {name}"), where, {"objects": objects.get(key, [])})


def _wrong(what: str, where: str) -> SourceError:
    return SourceError(what, where=where, todo="give a file of COCO's form, and its images")


SAMPLES = SamplesKind(name="coco", options=Options, raw="image", items=items)
