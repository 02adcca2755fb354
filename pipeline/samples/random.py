"""Made-up samples, for models that come with none: seeded, and unlike one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from pipeline.artifacts.frozen import Frozen
from pipeline.base.errors import SourceError
from pipeline.base.options import Options as Strict
from pipeline.engine.step import Inputs, step
from pipeline.inputs.image.options import ImageOptions
from pipeline.samples.contract import SamplesKind
from pipeline.tasks.find import Purpose
from pipeline.tensors.arrays import Array, Float32s, np

if TYPE_CHECKING:
    from pipeline.tensors.signature import TensorSpec

WHERE = "samples.random"

#: Where the config does not say what images become.
IMAGE_RANGE = (-1.0, 1.0)

#: Integers run from 0 to one less: they are often indices into tables of unknown length.
INTEGERS = 8


class Options(Strict):
    """Seeded random samples without labels.

    Images ([batch, height, width, channels] or channels first, with 1, 3 or 4 channels) are
    smooth: coarse patterns under ever fainter finer ones, as in photographs, which stir a
    network where white noise averages out. Other floats are normally distributed (0, 1),
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


class ReadOptions(Strict):
    """What the step needs."""

    options: Options = Options()
    """How many."""

    image: ImageOptions | None = None
    """Its ``scale`` is the range of images; from -1 to 1 without it."""

    task: Purpose = Field(default_factory=Purpose)
    """Which truth samples are to have."""


@step(version=2, lane="light", tools=("numpy",))
def read(inputs: Inputs, options: ReadOptions, work: Path) -> None:
    """Make samples for every input of the signature."""
    from pipeline.samples import folder

    specs = Frozen(inputs["frozen"]).signature.inputs
    chosen, image = options.options, options.image
    shapes = {spec.name: _shape(spec, chosen.sizes, image) for spec in specs}
    _known(chosen.sizes, shapes)
    splits = {}
    for which, name in enumerate(folder.SPLITS):
        made = {}
        for index, spec in enumerate(specs):
            chance = np.random.default_rng([chosen.seed, which, index])
            shape = (chosen.count, *shapes[spec.name])
            folder.bounded(int(np.prod(shape, dtype=np.float64)) * 4, WHERE)
            made[spec.name] = _values(spec, shape, image, chance)
        splits[name] = folder.check(folder.Split(made), specs, WHERE)
    folder.write(
        work, splits, description=f"made up at random, seed {chosen.seed}", task=options.task
    )


def _known(sizes: Mapping[str, Sequence[int]], shapes: Mapping[str, object]) -> None:
    unknown = sorted(set(sizes) - set(shapes))
    if unknown:
        raise SourceError(
            f"the model has no input {', '.join(unknown)}; it has {', '.join(shapes)}",
            where=f"{WHERE}.sizes",
        )


def _shape(
    spec: TensorSpec, sizes: Mapping[str, Sequence[int]], image: ImageOptions | None
) -> tuple[int, ...]:
    """The shape of one sample, with free sizes filled in."""
    from pipeline.samples.folder import batched, shown

    batched(spec, WHERE)
    free = sum(size is None for size in spec.shape[1:])
    given: Sequence[int] = sizes.get(spec.name, ())
    if not given and free == 2 and _channel_axis(spec) is not None and image:
        given = image.size or ()
    if len(given) != free:
        example = ", ".join(["128"] * free)
        raise SourceError(
            f"input {spec.name} {shown(spec.shape)} has {free} free sizes beside the batch, "
            f"and {len(given)} are given",
            where=WHERE,
            todo=f"set samples.random.sizes to {{{spec.name}: [{example}]}}",
        )
    left = iter(given)
    return tuple(next(left) if size is None else size for size in spec.shape[1:])


def _channel_axis(spec: TensorSpec) -> int | None:
    """The axis of 1, 3 or 4 channels where the input is an image, counted in one sample."""
    if len(spec.shape) == 4 and (spec.dtype.startswith("float") or spec.dtype == "uint8"):
        for axis in (3, 1):
            if spec.shape[axis] in (1, 3, 4):
                return axis - 1
    return None


def _values(
    spec: TensorSpec,
    shape: tuple[int, ...],
    image: ImageOptions | None,
    chance: np.random.Generator,
) -> Array:
    kind = np.dtype(spec.dtype) if spec.dtype in np.sctypeDict else np.dtype(object)
    axis = _channel_axis(spec)
    if axis is not None:
        low, high = image.scale if image else IMAGE_RANGE
        low, high = (0.0, 255.0) if kind == np.uint8 else (low, high)
        return np.stack(
            [_image(shape[1:], axis, low, high, chance) for _ in range(shape[0])]
        ).astype(kind)
    if kind.kind == "f":
        return chance.standard_normal(shape, np.float32).astype(kind)
    if kind.kind in "iu":
        return chance.integers(0, INTEGERS, shape).astype(kind)
    if kind.kind == "b":
        return chance.integers(0, 2, shape).astype(kind)
    raise SourceError(
        f"input {spec.name} is {spec.dtype}, for which no samples can be made up",
        where=WHERE,
        todo="give samples as arrays (samples.npz)",
    )


def _image(
    shape: tuple[int, ...], axis: int, low: float, high: float, chance: np.random.Generator
) -> Float32s:
    """Octaves of noise, each twice as fine and half as strong (amplitude as 1/f), stretched to
    a brightness range of the image's own within [low, high]."""
    from pipeline.inputs.image.preprocess import resized

    channels = shape[axis]
    height, width = (size for at, size in enumerate(shape) if at != axis)
    total = np.zeros((height, width, channels), np.float32)
    cells, strength = 2, 1.0
    while cells <= max(height, width, 2):
        grid = chance.random((min(cells, height), min(cells, width), channels), np.float32)
        total += np.float32(strength) * resized(resized(grid, 0, height), 1, width)
        cells, strength = cells * 2, strength / 2
    dark, light = chance.uniform(0, 0.5), chance.uniform(0.5, 1)
    unit = (total - total.min()) / max(float(np.ptp(total)), 1e-6)
    values = low + (high - low) * (dark + (light - dark) * unit)
    image: Float32s = np.moveaxis(values, -1, axis).astype(np.float32)
    return image


SAMPLES = SamplesKind(
    name="random",
    options=Options,
    read=read,
)
