"""Made-up samples, for models that come with none: seeded, and unlike one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, ClassVar

from pydantic import Field

from pipeline.base.errors import SourceError
from pipeline.base.options import StrictOptions
from pipeline.engine.step import Files
from pipeline.inputs.image.options import ImageOptions
from pipeline.inputs.image.preprocess import normalize, resize_axis
from pipeline.inputs.image.read import is_image
from pipeline.samples.contract import Item, Items, Needs, SamplesKind
from pipeline.samples.folder import SPLITS, check_batched, check_bytes
from pipeline.tensors.arrays import Array, Float32s, np
from pipeline.tensors.shapes import shown
from pipeline.tensors.signature import TensorSpec

#: Of one sample.
Shape = tuple[int, ...]

WHERE = "samples.random"

#: Where the config does not say what images become.
IMAGE_RANGE = (-1.0, 1.0)

#: Integers run from 0 to one less: they are often indices into tables of unknown length.
INTEGERS = 8


class Options(StrictOptions):
    """Seeded random samples without labels.

    Images ([batch, height, width, channels] or channels first, with 1, 3 or 4 channels) are
    smooth: coarse patterns under ever fainter finer ones, as in photographs, which stir a
    network where white noise averages out; what ``input.image`` says is done to them as to any
    other. Other floats are normally distributed (0, 1),
    integers run from 0 to 7, booleans are fair coins.
    """

    shorthand: ClassVar[str | None] = "count"

    count: Annotated[int, Field(ge=2, le=10_000)] = 16
    """Samples in each of the two splits."""

    seed: Annotated[int, Field(ge=0)] = 0
    """Another seed, other samples."""

    sizes: dict[str, list[Annotated[int, Field(ge=1)]]] = Field(default={})
    """For inputs with free sizes beside the batch: input name to those sizes, in order, such
    as ``{image: [224, 224]}``. Images take ``input.image.size`` where this says nothing."""


def items(files: Files, options: Options, needs: Needs) -> Items:
    """Samples for every input of the model: raw images where its kind of input makes them of such,
    else what the model reads."""
    size = needs.options.size if isinstance(needs.options, ImageOptions) else None
    shapes = {spec.name: _shape(spec, options.sizes, size) for spec in needs.inputs}
    _check_known(options.sizes, shapes)
    for shape in shapes.values():
        check_bytes(options.count * int(np.prod(shape, dtype=np.float64)) * 4, WHERE)
    make = _picture if needs.raw == "image" and is_image(needs.inputs) else _arrays
    splits = {
        name: [
            partial(make, needs, shapes, [options.seed, which, index])
            for index in range(options.count)
        ]
        for which, name in enumerate(SPLITS)
    }
    return Items(splits, f"made up at random, seed {options.seed}")


def _arrays(needs: Needs, shapes: Mapping[str, Shape], seed: Sequence[int]) -> Item:
    chances = np.random.default_rng(seed).spawn(len(needs.inputs))
    pairs = zip(needs.inputs, chances, strict=True)
    arrays = {spec.name: _value(needs, spec, shapes[spec.name], each) for spec, each in pairs}
    return Item(arrays, WHERE)


def _picture(needs: Needs, shapes: Mapping[str, Shape], seed: Sequence[int]) -> Item:
    """As a decoded file: grey values or colours of 8 bits."""
    (spec,) = needs.inputs
    # The channels that the kind of input looks for, whatever the dtype.
    axis = 0 if spec.shape[1] in (1, 3) and spec.shape[3] not in (1, 3) else 2
    image = _image(shapes[spec.name], axis, np.random.default_rng(seed))
    return Item(np.rint(image).astype(np.uint8), WHERE)


def _check_known(sizes: Mapping[str, Sequence[int]], shapes: Mapping[str, object]) -> None:
    unknown = sorted(set(sizes) - set(shapes))
    if unknown:
        raise SourceError(
            f"the model has no input {', '.join(unknown)}; it has {', '.join(shapes)}",
            where=f"{WHERE}.sizes",
        )


def _shape(
    spec: TensorSpec, sizes: Mapping[str, Sequence[int]], size: Sequence[int] | None
) -> Shape:
    """The shape of one sample, with free sizes filled in."""
    check_batched(spec, WHERE)
    free = sum(size is None for size in spec.shape[1:])
    free_sizes: Sequence[int] = sizes.get(spec.name, ())
    if not free_sizes and free == 2 and _channel_axis(spec) is not None:
        free_sizes = size or ()
    if len(free_sizes) != free:
        example = ", ".join(["128"] * free)
        raise SourceError(
            f"input {spec.name} {shown(spec.shape)} has {free} free sizes beside the batch, "
            f"and {len(free_sizes)} are given",
            where=WHERE,
            todo=f"set samples.random.sizes to {{{spec.name}: [{example}]}}",
        )
    left = iter(free_sizes)
    return tuple(next(left) if size is None else size for size in spec.shape[1:])


def _channel_axis(spec: TensorSpec) -> int | None:
    """The axis of 1, 3 or 4 channels where the input is an image, counted in one sample."""
    if len(spec.shape) == 4 and (spec.dtype.startswith("float") or spec.dtype == "uint8"):
        for axis in (3, 1):
            if spec.shape[axis] in (1, 3, 4):
                return axis - 1
    return None


def _value(needs: Needs, spec: TensorSpec, shape: Shape, chance: np.random.Generator) -> Array:
    kind = np.dtype(spec.dtype) if spec.dtype in np.sctypeDict else np.dtype(object)
    axis = _channel_axis(spec)
    if axis is not None:
        levels = _image(shape, axis, chance)
        values = levels if kind == np.uint8 else _read(levels, needs.options)
        return np.moveaxis(values, -1, axis).astype(kind)
    if kind.kind == "f":
        return np.asarray(chance.standard_normal(shape, np.float32).astype(kind))
    if kind.kind in "iu":
        return np.asarray(chance.integers(0, INTEGERS, shape), kind)
    if kind.kind == "b":
        return np.asarray(chance.integers(0, 2, shape), kind)
    raise SourceError(
        f"input {spec.name} is {spec.dtype}, for which no samples can be made up",
        where=WHERE,
        todo="give samples as arrays (samples.npz)",
    )


def _read(levels: Float32s, options: object) -> Float32s:
    """One of several inputs, as the config has images read."""
    if isinstance(options, ImageOptions) and options.channels == levels.shape[-1]:
        return normalize(levels, options)
    low, high = IMAGE_RANGE
    return np.asarray(low + (high - low) / 255 * levels, np.float32)


def _image(shape: Shape, axis: int, chance: np.random.Generator) -> Float32s:
    """Octaves of noise, each twice as fine and half as strong (amplitude as 1/f), stretched to a
    brightness range of the image's own within 0 to 255: [height, width, channels].

    Args:
        axis: of the channels in the shape.
    """
    channels = shape[axis]
    height, width = (size for at, size in enumerate(shape) if at != axis)
    total = np.zeros((height, width, channels), np.float32)
    cells, strength = 2, 1.0
    while cells <= max(height, width, 2):
        grid = chance.random((min(cells, height), min(cells, width), channels), np.float32)
        total += np.float32(strength) * resize_axis(resize_axis(grid, 0, height), 1, width)
        cells, strength = cells * 2, strength / 2
    dark, light = chance.uniform(0, 0.5), chance.uniform(0.5, 1)
    unit = (total - total.min()) / max(float(np.ptp(total)), 1e-6)
    image: Float32s = (255 * (dark + (light - dark) * unit)).astype(np.float32)
    return image


SAMPLES = SamplesKind(name="random", options=Options, items=items)
